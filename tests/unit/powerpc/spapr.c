/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * spapr: what a POWER host is asked for, in which order, in both versions of its interface; and
 * that nothing is left of what it refuses half-way. Its files are a tree made for the test.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../folder.h"
#include "../../../vfio/iommu.h"
#include "../calls.h"
#include "partition.h"

#define FIRST  26
#define SECOND 27
#define FDS    64

/* What the linker left of the calls that partition.c takes elsewhere (see rules.mk). */
int __real_vfio_spapr_info(struct vfio *v, int group, struct vfio_spapr_info *out);
int __real_vfio_spapr_default_window(struct vfio *v, int group, uint64_t most,
				     struct vfio_spapr_info *out, struct error *err);
int __real_vfio_spapr_map(struct vfio *v, int group, uint64_t iova, uint64_t size, void *host,
			  uint32_t flags);
int __real_vfio_spapr_accelerate(struct vfio *v, int group, int table);

static char root[FOLDER_PATH];
static struct vfio_paths paths = {.sysfs = root, .dev = root, .iommu = root};
static struct vm vm = {.fd = -77};
static struct vfio v;
static struct error err;
static uint8_t page[4096];
static unsigned fds_before;

/* What was asked for, as a text of words; and how the host is. */
static char asked[1024];
static struct {
	int container_of[FDS]; /* by fd: the number of its group */
	bool lacks_v1, lacks_v2;
	int v2_errno, enable_errno, unmap_errno, register_errno;
	int refuses;	 /* the group that these errors are for; 0: all */
	unsigned levels; /* fewer are refused */
	uint64_t moved;	 /* windows come so far off */
} host;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	size_t n = strlen(asked);
	va_list args;

	va_start(args, format);
	n += (size_t)snprintf(asked + n, sizeof(asked) - n, "%s", n ? " " : "");
	vsnprintf(asked + n, sizeof(asked) - n, format, args);
	va_end(args);
}

/* The file's name: "vfio", or a group's number. */
static const char *name_of(int fd, char text[PATH_MAX])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, text, PATH_MAX - 1);
	cr_assert_gt(n, 0, "no file %d", fd);
	text[n] = 0;
	return basename(text);
}

static int answer(int group, int code)
{
	errno = code;
	return code && (!host.refuses || host.refuses == group) ? -1 : 0;
}

static int set_iommu(int group, long version)
{
	say("%d:v%d", group, version == VFIO_SPAPR_TCE_v2_IOMMU ? 2 : 1);
	return answer(group, version == VFIO_SPAPR_TCE_v2_IOMMU ? host.v2_errno : 0);
}

static int get_info(int group, struct vfio_iommu_spapr_tce_info *info)
{
	info->dma32_window_start = 0x1000;
	info->dma32_window_size = GIB;
	if (strstr(asked, "v2")) {
		info->flags = VFIO_IOMMU_SPAPR_INFO_DDW;
		info->ddw.pgsizes = 0x11000;
		info->ddw.max_dynamic_windows_supported = 2;
		info->ddw.levels = 5;
	}
	return answer(group, 0);
}

static int create(int group, struct vfio_iommu_spapr_tce_create *c)
{
	say("%d:create/%u/0x%llx/%u", group, c->page_shift, (unsigned long long)c->window_size,
	    c->levels);
	c->start_addr = 0x1000 + host.moved;
	return answer(group, c->levels < host.levels ? EINVAL : 0);
}

static int container_ioctl(int fd, unsigned long request, void *arg)
{
	int group = host.container_of[fd];
	long extension = (long)(uintptr_t)arg;

	switch (request) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return extension == VFIO_SPAPR_TCE_v2_IOMMU ? !host.lacks_v2 : !host.lacks_v1;
	case VFIO_SET_IOMMU:
		return set_iommu(group, extension);
	case VFIO_IOMMU_SPAPR_TCE_GET_INFO:
		return get_info(group, arg);
	case VFIO_IOMMU_SPAPR_REGISTER_MEMORY:
		say("%d:register", group);
		return answer(group, host.register_errno);
	case VFIO_IOMMU_ENABLE:
		say("%d:enable", group);
		return answer(group, host.enable_errno);
	case VFIO_IOMMU_DISABLE:
		say("%d:disable", group);
		return 0;
	case VFIO_IOMMU_SPAPR_TCE_CREATE:
		return create(group, arg);
	case VFIO_IOMMU_SPAPR_TCE_REMOVE:
		say("%d:remove/0x%llx", group,
		    (unsigned long long)((struct vfio_iommu_spapr_tce_remove *)arg)->start_addr);
		return 0;
	case VFIO_IOMMU_MAP_DMA:
		say("%d:map/0x%llx", group,
		    (unsigned long long)((struct vfio_iommu_type1_dma_map *)arg)->iova);
		return 0;
	case VFIO_IOMMU_UNMAP_DMA:
		say("%d:unmap/0x%llx", group,
		    (unsigned long long)((struct vfio_iommu_type1_dma_unmap *)arg)->iova);
		return answer(group, host.unmap_errno);
	default:
		cr_assert_fail("container: ioctl 0x%lx", request);
		return -1;
	}
}

static int group_ioctl(int group, unsigned long request, void *arg)
{
	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		((struct vfio_group_status *)arg)->flags = VFIO_GROUP_FLAGS_VIABLE;
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		cr_assert_lt(*(int *)arg, FDS);
		host.container_of[*(int *)arg] = group;
		return 0;
	case VFIO_GROUP_UNSET_CONTAINER:
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	default:
		cr_assert_fail("group %d: ioctl 0x%lx", group, request);
		return -1;
	}
}

static int kvm_ioctl(unsigned long request, void *arg)
{
	const struct kvm_device_attr *attr = arg;

	if (request == KVM_CREATE_DEVICE) {
		((struct kvm_create_device *)arg)->fd =
			(uint32_t)open("/dev/null", O_RDWR | O_CLOEXEC);
		return 0;
	}
	cr_assert_eq(request, KVM_SET_DEVICE_ATTR);
	if (attr->attr == KVM_DEV_VFIO_GROUP_SET_SPAPR_TCE)
		say("share");
	return 0;
}

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	char text[PATH_MAX];
	const char *name;

	if (fd == vm.fd || fd == v.kvm_device)
		return kvm_ioctl(request, arg);
	name = name_of(fd, text);
	return strcmp(name, "vfio") ? group_ioctl(atoi(name), request, arg)
				    : container_ioctl(fd, request, arg);
}

static void begin(void)
{
	folder_make(root);
	folder_run(root, "touch vfio 26 27");
	fds_before = open_fds();
	calls.ioctl = fake_ioctl;
	vm.memory = (struct guest_memory){.n = 1, .banks = {{.size = 256 * MIB, .host = page}}};
}

/* Whatever happened, nothing stays open. */
static void finish(void)
{
	vfio_iommu_close(&v);
	cr_expect_eq(open_fds(), fds_before);
	folder_remove(root);
}

TestSuite(spapr, .init = begin, .fini = finish);

/* A device of each group. */
static int open_devices(enum vfio_iommu_kind wanted, unsigned n)
{
	unsigned i;
	int fd;

	vfio_init(&v, &vm, &paths, wanted);
	v.by_hypercall = true;
	for (i = 0; i < n; i++) {
		const struct vfio_host_device device = {.group = i ? SECOND : FIRST};

		fd = vfio_iommu_open_device(&v, &device, &err);
		if (fd < 0)
			return fd;
		close(fd);
	}
	return 0;
}

static int make_window(int group)
{
	struct vfio_spapr_info info;

	return __real_vfio_spapr_default_window(&v, group, 4 * GIB, &info, &err);
}

/* Two groups and their memory. */
static void start(enum vfio_iommu_kind wanted)
{
	cr_assert_eq(open_devices(wanted, 2), 0, "%s", err.text);
	cr_assert_eq(vfio_map_ram(&v, &err), 0, "%s", err.text);
}

Test(spapr, version_2_registers_memory_and_makes_its_window)
{
	struct vfio_spapr_info info;

	start(VFIO_IOMMU_SPAPR);
	cr_assert_eq(make_window(FIRST), 0);
	cr_expect_str_eq(asked, "26:v2 27:v2 27:register 26:register 26:remove/0x1000 "
				"26:create/12/0x40000000/1");
	cr_expect_str_eq(v.ops->name, "spapr");
	cr_assert_eq(__real_vfio_spapr_info(&v, FIRST, &info), 0);
	cr_expect(info.dynamic && info.page_sizes == 0x11000 && info.windows == 2);
	cr_expect_eq(__real_vfio_spapr_accelerate(&v, FIRST, 0), 0);
	cr_expect(strstr(asked, " share"), "%s", asked);
}

Test(spapr, a_window_is_no_larger_than_it_is_wanted)
{
	struct vfio_spapr_info info;

	start(VFIO_IOMMU_SPAPR);
	cr_assert_eq(__real_vfio_spapr_default_window(&v, FIRST, 256 * MIB, &info, &err), 0);
	cr_expect_eq(info.dma32_size, 256 * MIB);
	cr_expect(strstr(asked, "create/12/0x10000000/1"), "%s", asked);
}

Test(spapr, version_1_enables_the_window_that_there_is)
{
	struct vfio_spapr_info info;

	start(VFIO_IOMMU_SPAPR_V1);
	cr_assert_eq(make_window(FIRST), 0);
	cr_assert_eq(__real_vfio_spapr_map(&v, FIRST, 0x5000, 4096, page, VFIO_DMA_MAP_FLAG_READ),
		     0);
	cr_expect_str_eq(asked, "26:v1 27:v1 26:enable 26:unmap/0x1000 26:map/0x5000");
	cr_expect_str_eq(v.ops->name, "spapr-v1");
	cr_assert_eq(__real_vfio_spapr_info(&v, FIRST, &info), 0);
	cr_expect(!info.dynamic && !info.page_sizes);
	cr_expect_eq(info.dma32_start, 0x1000);
	cr_expect_eq(info.dma32_size, GIB);
	/* KVM would take entries that it then can't map. */
	cr_expect_eq(__real_vfio_spapr_accelerate(&v, FIRST, 0), -EOPNOTSUPP);
	cr_expect_null(strstr(asked, "share"));
}

Test(spapr, version_1_counts_windows_as_locked_and_not_ram)
{
	const char *what;
	uint64_t bytes = 1;

	start(VFIO_IOMMU_SPAPR_V1);
	cr_assert_eq(v.ops->locked(&v, &bytes, &what), 0);
	cr_expect_eq(bytes, 2 * (GIB + 4 * MIB));
	cr_expect_str_eq(what, "DMA windows of");
}

Test(spapr, as_many_levels_as_the_host_wants)
{
	start(VFIO_IOMMU_SPAPR);
	host.levels = 3;
	asked[0] = 0;
	cr_assert_eq(make_window(SECOND), 0);
	cr_expect_str_eq(asked, "27:remove/0x1000 27:create/12/0x40000000/1 "
				"27:create/12/0x40000000/2 27:create/12/0x40000000/3");
}

Test(spapr, no_levels_are_enough)
{
	start(VFIO_IOMMU_SPAPR);
	host.levels = 6;
	cr_expect_eq(make_window(FIRST), -EINVAL);
	cr_expect(strstr(err.text, "group 26: the host can't make a DMA window of 1024 MiB"), "%s",
		  err.text);
}

Test(spapr, a_window_elsewhere_is_given_back)
{
	start(VFIO_IOMMU_SPAPR);
	host.moved = 0x2000;
	asked[0] = 0;
	cr_expect_eq(make_window(FIRST), -ENOTSUP);
	cr_expect_str_eq(asked, "26:remove/0x1000 26:create/12/0x40000000/1 26:remove/0x3000");
	cr_expect(strstr(err.text, "at 0x3000, not at 0x1000"), "%s", err.text);
}

Test(spapr, a_window_that_can_not_be_used_is_not_left_enabled)
{
	start(VFIO_IOMMU_SPAPR_V1);
	host.unmap_errno = ENODEV;
	asked[0] = 0;
	cr_expect_eq(make_window(FIRST), -ENODEV);
	cr_expect_str_eq(asked, "26:enable 26:unmap/0x1000 26:disable");
	cr_expect(strstr(err.text, "bind it to vfio-pci"), "%s", err.text);
}

Test(spapr, a_window_that_may_not_be_locked)
{
	start(VFIO_IOMMU_SPAPR_V1);
	host.enable_errno = ENOMEM;
	asked[0] = 0;
	cr_expect_eq(make_window(FIRST), -ENOMEM);
	cr_expect_str_eq(asked, "26:enable");
	cr_expect(strstr(err.text, "raise the limit with ulimit -l"), "%s", err.text);
	cr_expect_null(strstr(err.text, "bind"));
}

Test(spapr, memory_that_the_second_group_refuses)
{
	cr_assert_eq(open_devices(VFIO_IOMMU_AUTO, 2), 0);
	host.register_errno = ENOMEM;
	host.refuses = FIRST;
	cr_expect_eq(vfio_map_ram(&v, &err), -ENOMEM);
	cr_expect_str_eq(asked, "26:v2 27:v2 27:register 26:register");
	cr_expect_eq(v.n_mapped, 0);
}

Test(spapr, version_1_where_the_kernel_has_no_other)
{
	host.lacks_v2 = true;
	cr_assert_eq(open_devices(VFIO_IOMMU_AUTO, 2), 0, "%s", err.text);
	cr_expect_str_eq(asked, "26:v1 27:v1");
	cr_expect_str_eq(v.ops->name, "spapr-v1");
}

Test(spapr, version_1_where_the_group_has_no_other)
{
	host.v2_errno = EINVAL;
	cr_assert_eq(open_devices(VFIO_IOMMU_AUTO, 2), 0, "%s", err.text);
	cr_expect_str_eq(asked, "26:v2 26:v1 27:v1");
}

Test(spapr, a_later_group_with_version_1_alone)
{
	host.v2_errno = EINVAL;
	host.refuses = SECOND;
	cr_expect_eq(open_devices(VFIO_IOMMU_AUTO, 2), -EINVAL);
	cr_expect_str_eq(asked, "26:v2 27:v2");
	cr_expect(strstr(err.text, "--iommu spapr-v1"), "%s", err.text);
}

Test(spapr, other_errors_are_no_reason_for_version_1)
{
	host.v2_errno = EBUSY;
	cr_expect_eq(open_devices(VFIO_IOMMU_AUTO, 1), -EBUSY);
	cr_expect_str_eq(asked, "26:v2");
	cr_expect(strstr(err.text, "group 26: no SPAPR TCE IOMMU of version 2"), "%s", err.text);
}

Test(spapr, what_is_wished_for_or_nothing)
{
	host.v2_errno = EINVAL;
	cr_expect_eq(open_devices(VFIO_IOMMU_SPAPR, 1), -EINVAL);
	cr_expect_str_eq(asked, "26:v2");
}

Test(spapr, a_kernel_with_neither)
{
	host.lacks_v1 = host.lacks_v2 = true;
	cr_expect_eq(open_devices(VFIO_IOMMU_AUTO, 1), -ENOTSUP);
	cr_expect_str_eq(asked, "");
	cr_expect(strstr(err.text, "modprobe vfio_iommu_spapr_tce"), "%s", err.text);
}

Test(spapr, interfaces_of_other_machines)
{
	cr_expect_eq(open_devices(VFIO_IOMMU_IOMMUFD, 1), -ENODEV);
	cr_expect(strstr(err.text, "use: --iommu spapr"), "%s", err.text);
	cr_expect_eq(open_devices(VFIO_IOMMU_TYPE1, 1), -ENODEV);
}
