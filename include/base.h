/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * base: what every room stands on: errors that are values, sizes and alignment, number parsing,
 * a growing string and the JSON that programs read.
 */
#ifndef CARILLON_BASE_H
#define CARILLON_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define KIB (1ULL << 10)
#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TIB (1ULL << 40)

/* Nanoseconds. */
#define NS_PER_MS 1000000ULL
#define NS_PER_S  (1000 * NS_PER_MS)

#define ARRAY_SIZE(a)	       (sizeof(a) / sizeof((a)[0]))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* The struct that holds `member` at `ptr`. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* What went wrong, for a person: the object, the cause and, where there is one, the cure. */
struct error {
	char text[1536];
};

/* Set the text of err (which may be NULL) and return -code, so that a caller can `return fail(…)`.
 */
int fail(struct error *err, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* Put "prefix: " in front of the text: the object that the failing function could not know. */
void error_prefix(struct error *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* Nanoseconds of a clock that only goes forward (CLOCK_MONOTONIC). */
uint64_t now_ns(void);
/* Say something on stderr, as "carillon: …", without ending anything. */
void warn(const char *fmt, ...) PRINTF_LIKE(1, 2);

/* A half-open range of addresses or file offsets, in bytes. size 0 is the empty range. */
struct range {
	uint64_t base, size;
};

static inline bool is_pow2(uint64_t x)
{
	return x && !(x & (x - 1));
}

/* align is a power of two. Both wrap to 0 at the end of the 64-bit space; callers check. */
static inline uint64_t align_down(uint64_t x, uint64_t align)
{
	return x & ~(align - 1);
}

static inline uint64_t align_up(uint64_t x, uint64_t align)
{
	return (x + align - 1) & ~(align - 1);
}

/* The smallest power of two >= x; 0 if there is none in 64 bits. */
uint64_t pow2_ceil(uint64_t x);

/* The last byte of a range that is not empty; never overflows, where base + size may. */
static inline uint64_t range_last(struct range r)
{
	return r.base + (r.size - 1);
}

/* From first to last, both included. The whole space, which no size can say, loses its last byte.
 */
static inline struct range range_between(uint64_t first, uint64_t last)
{
	return (struct range){first, last - first == UINT64_MAX ? UINT64_MAX : last - first + 1};
}

/* Do two ranges share a byte? Ranges that end at 2^64 are fine. */
static inline bool ranges_overlap(struct range a, struct range b)
{
	return a.size && b.size && a.base <= range_last(b) && b.base <= range_last(a);
}

/* Does outer hold the whole of inner? */
static inline bool range_contains(struct range outer, struct range inner)
{
	return outer.size && inner.size && inner.base >= outer.base &&
	       range_last(inner) <= range_last(outer);
}

/* The first of n ranges that r shares a byte with; NULL if there is none. */
const struct range *range_first_overlap(const struct range *ranges, unsigned n, struct range r);
/*
 * The lowest place within `within` for `size` bytes, aligned (a power of two), that none of the n
 * obstacles touches, in any order. False: there is none.
 */
bool range_find_free(const struct range *obstacles, unsigned n, struct range within, uint64_t size,
		     uint64_t align, uint64_t *base);

/*
 * Parse a whole string. "4096", "0x1000"; parse_size also takes one of the suffixes K M G T
 * (powers of 1024, either case, an optional B behind it). Overflow is an error: -ERANGE; anything
 * else that is no number: -EINVAL.
 */
int parse_u64(const char *text, uint64_t *out);
int parse_size(const char *text, uint64_t *out);
/* The number of a word in a list of n; -EINVAL. */
int parse_one_of(const char *word, const char *const *words, unsigned n);
/* If the word begins with `name`, what is behind that; else NULL. */
const char *parse_after(const char *word, const char *name);

/* Bytes as a person writes them: "3G", "1536M", "4100K", or plain bytes. Returns text. */
#define SIZE_TEXT 24
const char *size_text(char text[SIZE_TEXT], uint64_t bytes);

/* Read a small file whole into a NUL-terminated buffer; -errno, or -EFBIG if it does not fit. */
int read_file(const char *path, char *buf, size_t size);
/* Write text to a file that exists (sysfs); -errno. */
int write_file(const char *path, const char *text);

struct sockaddr_un;

/* Is somebody listening at this Unix socket? One left by a killed process refuses. */
bool socket_is_alive(const struct sockaddr_un *address);
/*
 * Listen there, without blocking, for the owner alone; a socket that nobody listens at is replaced.
 * The file, or -EADDRINUSE: somebody listens; -EEXIST: there is something else than a socket.
 */
int socket_listen(const struct sockaddr_un *address, int backlog, struct error *err);
/* Listen no more. The socket goes, unless somebody else listens there by now. */
void socket_close(int fd, const struct sockaddr_un *address);

/* A string that grows. After a failed allocation `failed` is set and further text is dropped. */
struct text {
	char *data;
	size_t len, room;
	bool failed;
};

void text_add(struct text *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
void text_free(struct text *t);

/*
 * JSON, written in order into a struct text: the caller opens and closes, the writer puts the
 * commas and escapes. name is NULL inside an array and at the top.
 */
struct json {
	struct text *out;
	bool comma;
};

void json_open(struct json *j, const char *name, char bracket);
void json_close(struct json *j, char bracket);
void json_string(struct json *j, const char *name, const char *value);
void json_number(struct json *j, const char *name, uint64_t value);
void json_signed(struct json *j, const char *name, int64_t value);
/* As a string "0x…": a program's numbers may be too short for 64 bits. */
void json_address(struct json *j, const char *name, uint64_t address);
void json_bool(struct json *j, const char *name, bool value);

#endif
