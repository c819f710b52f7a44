/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* From a layout to a guest that is ready to run: board, kernel, initrd, device tree, registers. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "boot.h"
#include "fdt.h"
#include "image.h"
#include "machine.h"
#include "tree.h"

/* Linux' COMMAND_LINE_SIZE on arm64, the NUL included. */
#define PARAMS_MAX 2048

struct load {
	struct vm *vm;
	const struct arch_parts *parts;
	const struct arch_config *config;
	const struct arch_layout *layout;
	struct boot_file kernel, initrd; /* initrd.path NULL: none */
	struct image_places at;
};

static int load_files(struct load *b, struct error *err)
{
	const struct arch_layout *l = b->layout;
	uint8_t head[IMAGE_HEAD] = {0};
	struct image image;
	uint64_t n = b->kernel.size < IMAGE_HEAD ? b->kernel.size : IMAGE_HEAD;
	int ret = boot_read(&b->kernel, 0, head, n, err);

	if (ret)
		return ret;
	ret = image_header(head, b->kernel.size, &image, err);
	if (ret) {
		error_prefix(err, "%s", b->kernel.path);
		return ret;
	}
	if (b->initrd.path && !b->initrd.size)
		return fail(err, EINVAL, "%s: the initrd is empty", b->initrd.path);
	ret = image_place(&image, b->initrd.size, l->ram, l->n_ram, &b->at, err);
	if (ret) {
		error_prefix(err, "%s", b->initrd.path ? b->initrd.path : b->kernel.path);
		return ret;
	}
	ret = boot_load(&b->kernel, 0, b->kernel.size, &b->vm->memory, b->at.kernel, err);
	if (!ret && b->initrd.path)
		ret = boot_load(&b->initrd, 0, b->initrd.size, &b->vm->memory, b->at.initrd, err);
	return ret;
}

static int build_tree(struct load *b, void *buf, struct error *err)
{
	const struct arm_machine *m = b->vm->arch;
	const char *params = b->config->params ? b->config->params : "";
	struct fdt_machine machine = {.layout = b->layout,
				      .cpus = b->config->cpus,
				      .irqchip = m->irqchip,
				      .pmu = m->features[CPU_PMU],
				      .n_slots = b->parts->n_slots,
				      .params = params,
				      .initrd = {b->at.initrd, b->initrd.size}};
	int ret;

	if (strlen(params) >= PARAMS_MAX)
		return fail(err, E2BIG, "kernel parameters: %zu characters, arm64 kernels take %d",
			    strlen(params), PARAMS_MAX - 1);
	if (getrandom(machine.kaslr_seed, sizeof(machine.kaslr_seed), 0) < 0 ||
	    getrandom(machine.rng_seed, sizeof(machine.rng_seed), 0) < 0)
		return fail(err, errno, "device tree: no random seed: %s", strerror(errno));
	ret = fdt_build(&machine, buf, DTB_ROOM);
	if (ret)
		return fail(err, -ret, "device tree: %s", strerror(-ret));
	return b->config->dump_dtb ? tree_dump(b->config->dump_dtb, buf, err) : 0;
}

static int load_tree(struct load *b, struct error *err)
{
	void *buf = calloc(1, DTB_ROOM);
	int ret;

	if (!buf)
		return fail(err, ENOMEM, "device tree: out of memory");
	ret = build_tree(b, buf, err);
	if (!ret && guest_memory_write(&b->vm->memory, b->at.dtb, buf, tree_size(buf)))
		ret = fail(err, EFAULT, "device tree: no RAM at 0x%llx",
			   (unsigned long long)b->at.dtb);
	free(buf);
	return ret;
}

static int start_board(struct load *b, struct error *err)
{
	struct arm_machine *m = b->vm->arch;
	int ret = gic_create(m, b->layout, err);

	if (!ret && m->features[CPU_PMU])
		ret = vcpu_init_pmus(b->vm, err);
	if (!ret)
		ret = pl031_init(&m->rtc, b->vm, b->layout->board.base + RTC_OFFSET, SPI_RTC, err);
	m->has_rtc = !ret;
	return ret;
}

int arch_load(struct vm *vm, const struct arch_parts *parts, const struct arch_config *config,
	      const struct arch_layout *layout, struct error *err)
{
	struct load b = {.vm = vm,
			 .parts = parts,
			 .config = config,
			 .layout = layout,
			 .kernel.fd = -1,
			 .initrd.fd = -1};
	int ret = start_board(&b, err);

	if (!ret)
		ret = boot_open(&b.kernel, config->kernel, err);
	if (!ret && config->initrd)
		ret = boot_open(&b.initrd, config->initrd, err);
	if (!ret)
		ret = load_files(&b, err);
	if (!ret)
		ret = load_tree(&b, err);
	boot_close(&b.kernel);
	boot_close(&b.initrd);
	return ret ?: vcpu_boot(&vm->vcpus[0], b.at.kernel, b.at.dtb, err);
}
