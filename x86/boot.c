/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What both boot protocols do: the initrd, the command line, checked writes. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "protocol.h"
#include "layout.h"

int initrd_place(uint64_t size, uint64_t low_end, uint64_t highest, uint64_t kernel_end,
		 uint64_t *gpa, struct error *err)
{
	uint64_t end = highest < low_end ? highest + 1 : low_end;
	uint64_t begin = align_up(kernel_end, GUEST_PAGE);

	if (begin > end || size > end - begin || align_down(end - size, GUEST_PAGE) < begin)
		return fail(err, ENOMEM,
			    "%llu KiB do not fit between the kernel, which needs memory up to "
			    "%llu MiB, and %llu MiB%s",
			    align_up(size, KIB) / KIB, align_up(kernel_end, MIB) / MIB, end / MIB,
			    end == low_end ? "; give the guest more memory with -m"
					   : ", where this kernel looks no further");
	*gpa = align_down(end - size, GUEST_PAGE);
	return 0;
}

int boot_initrd(struct boot *b, uint64_t highest, uint64_t kernel_end, struct error *err)
{
	const struct boot_file *f = &b->initrd;
	uint64_t gpa = 0;
	int ret;

	b->initrd_at = (struct range){0};
	if (!f->path)
		return 0;
	if (!f->size)
		return fail(err, EINVAL, "%s: the initrd is empty", f->path);
	ret = initrd_place(f->size, b->layout->ram[0].size, highest, kernel_end, &gpa, err);
	if (ret) {
		error_prefix(err, "%s", f->path);
		return ret;
	}
	b->initrd_at = (struct range){gpa, f->size};
	return boot_load(f, 0, f->size, &b->vm->memory, gpa, err);
}

int boot_cmdline(struct boot *b, uint64_t limit, struct error *err)
{
	struct text line = {0};
	int ret;

	cmdline_build(b->config->params ?: "", b->parts->n_slots, &line);
	if (limit > CMDLINE_ROOM - 1)
		limit = CMDLINE_ROOM - 1;
	if (line.failed)
		ret = fail(err, ENOMEM, "kernel parameters: out of memory");
	else if (line.len > limit)
		ret = fail(err, E2BIG, "kernel parameters: %zu characters, %s takes %" PRIu64,
			   line.len, b->kernel.path, limit);
	else
		ret = boot_write(b, CMDLINE_ADDR, line.data, line.len + 1, err);
	text_free(&line);
	return ret;
}

int boot_write(struct boot *b, uint64_t gpa, const void *data, uint64_t n, struct error *err)
{
	if (guest_memory_write(&b->vm->memory, gpa, data, n))
		return fail(err, EFAULT, "guest memory: no RAM at 0x%" PRIx64, gpa);
	return 0;
}
