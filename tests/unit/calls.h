/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * calls: the system calls by which the code under test drives devices, KVM and disk images. The
 * linker turns them to `calls` (--wrap, see rules.mk), where a test double takes those that are for
 * it and passes the others on to the kernel.
 */
#ifndef CARILLON_TESTS_CALLS_H
#define CARILLON_TESTS_CALLS_H

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct calls {
	int (*ioctl)(int fd, unsigned long request, void *arg);
	ssize_t (*pread)(int fd, void *buf, size_t size, off_t at);
	ssize_t (*pwrite)(int fd, const void *buf, size_t size, off_t at);
	ssize_t (*pwritev)(int fd, const struct iovec *iov, int n, off_t at);
	int (*fdatasync)(int fd);
	int (*fallocate)(int fd, int mode, off_t at, off_t size);
	void *(*mmap)(void *addr, size_t size, int prot, int flags, int fd, off_t at);
	int (*munmap)(void *addr, size_t size);
};

extern const struct calls kernel_calls;
/* kernel_calls, unless a test says otherwise (each test is a process of its own). */
extern struct calls calls;

#endif
