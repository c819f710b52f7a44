/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Persistent memory: what is behind it, and that it is nobody else's. */
#include "../../virtio/devices.h"
#include "folder.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static struct vm vm;
static struct virtio v = {.vm = &vm};
static struct error err;
static char folder[FOLDER_PATH];

static void set_up(void)
{
	folder_make(folder);
	folder_run(folder,
		   "mkdir dir && truncate -s 4M file && truncate -s 4097 odd && "
		   ": >empty && mkfifo pipe && printf begin | dd of=file conv=notrunc 2>/dev/null");
}

static void tear_down(void)
{
	folder_remove(folder);
}

TestSuite(pmem, .init = set_up, .fini = tear_down);

static int make(const char *name, bool readonly, struct virtio_device **d)
{
	struct pmem_options opt = {.readonly = readonly};

	snprintf(opt.path, sizeof(opt.path), "%s/%s", folder, name);
	*d = NULL;
	return virtio_pmem_create(&v, &opt, d, &err);
}

static void refuses(const char *name, bool readonly, int code, const char *text)
{
	struct virtio_device *d;

	cr_assert_eq(make(name, readonly, &d), -code, "%s", name);
	cr_assert_null(d);
	cr_assert(strstr(err.text, text), "'%s' has no '%s'", err.text, text);
	cr_assert(strstr(err.text, name), "'%s' does not name the file", err.text);
}

Test(pmem, what_is_no_good_is_named)
{
	refuses("nowhere", false, ENOENT, "No such file");
	refuses("dir", false, EISDIR, "directory");
	refuses("dir", true, EINVAL, "no file");
	refuses("pipe", false, EINVAL, "no file");
	refuses("pipe", true, EINVAL, "no file");
	refuses("empty", false, EINVAL, "multiple of 2M");
	refuses("odd", false, EINVAL, "it has 4097 bytes");
}

Test(pmem, one_writes_or_several_read)
{
	struct virtio_device *d, *other;

	cr_assert_eq(make("file", false, &d), 0, "%s", err.text);
	refuses("file", false, EBUSY, "another machine has it, or reads it");
	refuses("file", true, EBUSY, "another machine has it");
	d->ops->destroy(d);
	cr_assert_eq(make("file", true, &d), 0, "%s", err.text);
	cr_assert_eq(make("file", true, &other), 0, "%s", err.text);
	refuses("file", false, EBUSY, "or reads it");
	other->ops->destroy(other);
	d->ops->destroy(d);
}

Test(pmem, the_guests_stores_are_in_the_file_unless_it_is_read_only)
{
	struct virtio_device *d;

	cr_assert_eq(make("file", false, &d), 0, "%s", err.text);
	cr_assert_eq(d->shared_memory.size, 4 * MIB);
	cr_assert_arr_eq(d->shared_memory_host, "begin", 5);
	memcpy(d->shared_memory_host, "other", 5);
	d->ops->destroy(d);
	folder_run(folder, "test $(head -c 5 file) = other");
	cr_assert_eq(make("file", true, &d), 0, "%s", err.text);
	memcpy(d->shared_memory_host, "third", 5);
	d->ops->destroy(d);
	folder_run(folder, "test $(head -c 5 file) = other");
}

Test(pmem, older_drivers_find_it_by_the_configuration)
{
	static const uint8_t expected[16] = {0, 0, 0x20, 0x43, 0x65, 0, 0, 0,
					     0, 0, 0x40, 0,    0,    0, 0, 0};
	struct virtio_device *d;
	uint32_t word;
	unsigned i;

	cr_assert_eq(make("file", false, &d), 0, "%s", err.text);
	d->shared_memory.base = 0x6543200000;
	for (i = 0; i < 16; i += 4) {
		word = virtio_config_read(d, i, 4);
		cr_assert_arr_eq(&word, expected + i, 4);
	}
	cr_assert_eq(virtio_config_read(d, 14, 4), 0);
	d->ops->destroy(d);
}
