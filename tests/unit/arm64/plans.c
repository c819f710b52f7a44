/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The plan of arm64's memory on random machines and hosts: sound, or refused for a true reason. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../arm/layout.h"
#include "cmd.h"

#define CASES	     60000
#define RESERVED_MAX 60

struct wish {
	struct arch_config config;
	struct arch_host host;
	struct pci_needs needs;
	struct vfio_reserved reserved[RESERVED_MAX];
};

static bool chance(unsigned percent)
{
	return random() % 100 < percent;
}

static uint64_t bits64(void)
{
	return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

/* Of at most so many bits, every order of magnitude as likely as the next. */
static uint64_t upto(unsigned bits)
{
	return bits64() >> (64 - (1 + (unsigned)random() % bits));
}

static uint64_t one_of(const uint64_t *values, unsigned n)
{
	return values[(unsigned)random() % n];
}
#define ONE_OF(...)                             \
	one_of((const uint64_t[]){__VA_ARGS__}, \
	       sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static struct vfio_reserved *reserve(struct wish *w, enum vfio_reserved_kind kind, uint64_t base,
				     uint64_t size)
{
	struct vfio_reserved *r = &w->reserved[w->host.n_reserved++];

	/* As vfio_parse_reserved() has it: not beyond 2^64. */
	if (size - 1 > UINT64_MAX - base)
		size = UINT64_MAX - base + 1;
	*r = (struct vfio_reserved){{base, size}, kind, (int)(random() % 9)};
	if (kind == RESERVED_UNREACHABLE)
		r->group = -1;
	return r;
}

static void add_windows(struct wish *w)
{
	unsigned n = chance(80) ? 1 : (unsigned)random() % 4, i;

	for (i = 0; i < n; i++) {
		uint64_t base = align_down(upto(chance(90) ? 32 : 64), 4096);
		struct vfio_reserved *r =
			reserve(w, RESERVED_MSI, base, align_up(1 + upto(24), 4096));

		if (!i && chance(85))
			r->range = (struct range){0x8000000, MIB};
		else if (chance(70))
			r->range = (struct range){0x8000000 + i * MIB * (unsigned)(random() % 8),
						  ONE_OF(64 * KIB, MIB)};
		/* What is reserved is not in type1's list of what it translates. */
		if (chance(50))
			reserve(w, RESERVED_UNREACHABLE, r->range.base, r->range.size);
	}
}

static void add_reserved(struct wish *w)
{
	unsigned n = chance(50) ? 0 : (unsigned)random() % (chance(90) ? 5 : 25), i;
	uint64_t end = 1ULL << w->host.phys_bits, comb = chance(3) ? upto(32) & ~4095ULL : 0;

	add_windows(w);
	for (i = 0; i < n; i++) {
		uint64_t base = upto(chance(80) ? 33 : 48);
		uint64_t size = upto(chance(70) ? 26 : 34) + 1;
		unsigned kind = (unsigned)random() % (RESERVED_UNREACHABLE + 1);

		if (kind == RESERVED_MSI)
			kind = RESERVED_HARD;
		if (chance(80)) {
			base = align_down(base, 4096);
			size = align_up(size, 4096);
		}
		if (chance(10))
			base = 0;
		else if (chance(10))
			base = end - size;
		else if (chance(15))
			base = 0x7f00000 + upto(23);
		reserve(w, kind, base, size);
	}
	/* A comb, which cuts RAM into many pieces. */
	for (i = 0; i < 20 && comb; i++)
		reserve(w, RESERVED_HARD, comb + i * 16 * MIB, 4096);
	/* An IOMMU that translates less than the guest can address, up to the end of the space. */
	if (chance(30)) {
		end >>= random() % 3;
		reserve(w, RESERVED_UNREACHABLE, end, UINT64_MAX - end);
	}
}

static void set_memory(struct wish *w)
{
	struct arch_config *c = &w->config;
	unsigned bits = w->host.phys_bits;

	c->ram = upto(chance(80) ? 35 : bits + 1);
	if (chance(90) && c->ram < RAM_MIN)
		c->ram += RAM_MIN;
	if (chance(40))
		c->ram = ONE_OF(16 * MIB, 64 * MIB, 256 * MIB, GIB, 4 * GIB, 1ULL << bits);
	if (chance(1))
		c->ram = UINT64_MAX - upto(32);
	if (chance(95))
		c->ram = align_down(c->ram, w->host.page_size);
	c->ram_placed = chance(50);
	if (!c->ram_placed)
		return;
	c->ram_base = chance(50) ? ONE_OF(0, MIB, 0x8000000, 0x40000000, 0x80000000, FOUR_GIB)
				 : upto(chance(95) ? bits + 1 : 64);
	if (chance(95))
		c->ram_base = align_down(c->ram_base, w->host.page_size);
}

static void set_bank(struct wish *w)
{
	struct range *b = &w->config.msi_bank;

	if (chance(60))
		return;
	*b = (struct range){0x8000000, ONE_OF(64 * KIB, 128 * KIB, MIB, 1216 * KIB, 2 * MIB)};
	if (chance(20))
		b->base = ONE_OF(0, 0x6000000, 0x7000000, 0x40000000, FOUR_GIB);
	if (chance(20))
		b->size = ONE_OF(64 * MIB, GIB, 4 * GIB);
	if (chance(15))
		*b = (struct range){upto(w->host.phys_bits + 1), 1 + upto(26)};
	if (chance(80)) {
		b->base = align_down(b->base, w->host.page_size);
		b->size = align_up(b->size, w->host.page_size);
	}
}

static void set_needs(struct wish *w)
{
	struct pci_needs *n = &w->needs;

	n->io = chance(98) ? upto(16) : upto(64);
	if (chance(70))
		n->align32 = 1ULL << (4 + random() % (chance(90) ? 25 : 28));
	n->mem32 = n->align32 * (1 + (uint64_t)random() % 3);
	if (chance(60))
		n->align64 = 1ULL << (4 + random() % (chance(80) ? 32 : 45));
	n->mem64 = n->align64 * (1 + (uint64_t)random() % 3);
	if (n->align64 > 4096 && chance(50))
		n->mem64 += 4096;
	if (n->align64 && chance(1))
		n->mem64 = UINT64_MAX;
}

static struct wish random_wish(void)
{
	struct wish w = {0};

	w.host.page_size = chance(60) ? 4 * KIB : ONE_OF(16 * KIB, 64 * KIB);
	w.host.phys_bits = chance(60) ? 40 : 32 + (unsigned)random() % 17;
	w.config.kernel = "k";
	w.config.cpus =
		chance(70) ? 1 + (unsigned)random() % 8 : 1 + (unsigned)random() % GICV3_CPUS;
	add_reserved(&w);
	set_memory(&w);
	set_bank(&w);
	set_needs(&w);
	return w;
}

static int plan(struct wish *w, struct arch_layout *l, struct error *err)
{
	w->host.reserved = w->reserved;
	return arch_plan(&w->config, &w->host, &w->needs, l, err);
}

/* ---- what a plan must be -------------------------------------------------------------------- */

static struct range hull_of(const struct wish *w)
{
	uint64_t first = UINT64_MAX, last = 0;
	unsigned i;

	for (i = 0; i < w->host.n_reserved; i++) {
		struct range r = w->reserved[i].range;

		if (w->reserved[i].kind != RESERVED_MSI)
			continue;
		first = r.base < first ? r.base : first;
		last = range_last(r) > last ? range_last(r) : last;
	}
	return last ? (struct range){first, last - first + 1} : (struct range){0};
}

static const struct vfio_reserved *withheld(const struct wish *w, struct range r, bool in_bank)
{
	unsigned i;

	for (i = 0; i < w->host.n_reserved; i++) {
		enum vfio_reserved_kind kind = w->reserved[i].kind;

		if (kind != RESERVED_RELAXABLE &&
		    !(in_bank && (kind == RESERVED_MSI || kind == RESERVED_UNREACHABLE)) &&
		    ranges_overlap(w->reserved[i].range, r))
			return &w->reserved[i];
	}
	return NULL;
}

static void check_bank(const struct wish *w, const struct arch_layout *l)
{
	struct range hull = hull_of(w);

	if (w->config.msi_bank.size) {
		cr_assert_eq(l->msi_bank.base, w->config.msi_bank.base);
		cr_assert_eq(l->msi_bank.size, w->config.msi_bank.size);
	}
	cr_assert(!hull.size || range_contains(l->msi_bank, hull));
	cr_assert_null(withheld(w, l->msi_bank, true));
	cr_assert(range_contains(l->msi_bank, l->doorbell));
	cr_assert_eq(l->doorbell.base % (64 * KIB), 0);
	cr_assert_eq(l->doorbell.size, DOORBELL_SIZE);
	cr_assert(!ranges_overlap(l->doorbell, hull));
}

static void check_ram(const struct wish *w, const struct arch_layout *l)
{
	uint64_t sum = 0;
	unsigned i;

	for (i = 0; i < l->n_ram; i++) {
		sum += l->ram[i].size;
		cr_assert_null(withheld(w, l->ram[i], false));
		if (i)
			cr_assert_gt(l->ram[i].base, range_last(l->ram[i - 1]), "in order");
	}
	cr_assert_eq(sum, w->config.ram);
	cr_assert_geq(l->ram[0].base, w->config.ram_placed ? w->config.ram_base : RAM_DEFAULT);
}

static void check_windows(const struct wish *w, const struct arch_layout *l)
{
	const struct pci_windows *p = &l->pci;

	cr_assert_null(withheld(w, p->mem32, false));
	cr_assert_null(withheld(w, p->mem64, false));
	cr_assert_gt(p->mem32.size, 0);
	cr_assert_geq(p->mem32.size, w->needs.mem32);
	cr_assert_leq(range_last(p->mem32), UINT32_MAX);
	cr_assert_geq(p->mem64.size, w->needs.mem64);
	cr_assert(!w->needs.align32 || p->mem32.base % w->needs.align32 == 0);
	cr_assert(!w->needs.align64 || p->mem64.base % w->needs.align64 == 0);
	cr_assert_geq(p->io.size, w->needs.io);
	cr_assert(range_contains(l->board, (struct range){p->io_gpa, p->io.size}));
	cr_assert(range_contains(l->board, p->ecam));
	cr_assert(
		range_contains(l->board, board_range(l, GICR_OFFSET, GICR_SIZE * w->config.cpus)));
}

static void check_sound(const struct wish *w, const struct arch_layout *l)
{
	struct range all[RAM_BANKS_MAX + 4] = {l->msi_bank, l->board, l->pci.mem32, l->pci.mem64};
	unsigned n = 4, i, j;

	for (i = 0; i < l->n_ram; i++)
		all[n++] = l->ram[i];
	for (i = 0; i < n; i++) {
		for (j = 0; j < i; j++)
			cr_assert(!ranges_overlap(all[i], all[j]), "%u and %u", i, j);
		cr_assert_eq((all[i].base | all[i].size) % w->host.page_size, 0, "range %u", i);
		if (all[i].size)
			cr_assert_eq(range_last(all[i]) >> w->host.phys_bits, 0);
	}
	check_bank(w, l);
	check_ram(w, l);
	check_windows(w, l);
}

/* ---- what a refusal must be ----------------------------------------------------------------- */

static bool says(const struct error *err, const char *text)
{
	return strstr(err->text, text) != NULL;
}

/* The range "0xFIRST-0xLAST" behind a word. */
static struct range range_after(const struct error *err, const char *word)
{
	const char *at = strstr(err->text, word);
	unsigned long long first, last;

	cr_assert_eq(sscanf(at + strlen(word), " 0x%llx-0x%llx", &first, &last), 2, "%s",
		     err->text);
	return (struct range){first, last - first + 1};
}

static bool is_reserved(const struct wish *w, struct range r, bool window)
{
	unsigned i;

	for (i = 0; i < w->host.n_reserved; i++)
		if (w->reserved[i].range.base == r.base && w->reserved[i].range.size == r.size &&
		    (w->reserved[i].kind == RESERVED_MSI) == window)
			return true;
	return false;
}

static bool addressable(const struct wish *w, struct range r)
{
	return range_contains((struct range){0, 1ULL << w->host.phys_bits}, r);
}

/* "--msi-bank 0xFIRST-0xLAST ...": the user's, and what is wrong with it. */
static void check_bank_refusal(const struct wish *w, const struct error *err)
{
	struct range bank = range_after(err, "--msi-bank"), r, hull = hull_of(w);
	uint64_t at;

	cr_assert_eq(bank.base, w->config.msi_bank.base);
	cr_assert_eq(bank.size, w->config.msi_bank.size);
	if (says(err, "is not aligned to the host's page")) {
		cr_assert_neq((bank.base | bank.size) % w->host.page_size, 0);
	} else if (says(err, "is beyond the guest's")) {
		cr_assert(!addressable(w, bank));
	} else if (says(err, " misses ")) {
		r = range_after(err, " misses ");
		cr_assert(is_reserved(w, r, true) && !range_contains(bank, r), "%s", err->text);
	} else if (says(err, " touches ")) {
		r = range_after(err, " touches ");
		cr_assert(is_reserved(w, r, false) && ranges_overlap(bank, r), "%s", err->text);
	} else if (says(err, " lies in guest RAM ")) {
		r = range_after(err, " lies in guest RAM ");
		cr_assert(w->config.ram_placed && r.base == w->config.ram_base &&
			  r.size == w->config.ram && ranges_overlap(bank, r));
	} else {
		cr_assert(says(err, "is too small"), "%s", err->text);
		cr_assert(!range_find_free(&hull, 1, bank, DOORBELL_SIZE, 64 * KIB, &at));
		cr_assert_eq(says(err, "the host's MSI window"), hull.size != 0, "%s", err->text);
	}
}

/* The smallest bank with the doorbell behind the windows, or before them, in whole frames. */
static struct range smallest_bank(struct range hull, bool before)
{
	uint64_t from = align_down(hull.base, 64 * KIB), to = range_last(hull) + 1;

	if (before)
		from = from < DOORBELL_SIZE ? 0 : from - DOORBELL_SIZE;
	to = align_up(to, 64 * KIB) + (before ? 0 : DOORBELL_SIZE);
	return (struct range){from, to - from};
}

static void check_no_bank(const struct wish *w, const struct error *err)
{
	struct range hull = hull_of(w), bank, r;
	unsigned i;
	uint64_t at;

	for (i = 0; i < 2 && hull.size; i++) {
		bank = smallest_bank(hull, i);
		cr_assert(!addressable(w, bank) || withheld(w, bank, true) ||
				  !range_find_free(&hull, 1, bank, DOORBELL_SIZE, 64 * KIB, &at),
			  "%s", err->text);
	}
	if (hull.size && says(err, "the host's MSI window")) {
		r = range_after(err, "the host's MSI window");
		cr_assert(r.base == hull.base && r.size == hull.size);
		cr_assert_eq(says(err, "address bits"), !addressable(w, hull), "%s", err->text);
		return;
	}
	cr_assert_eq(hull.size, 0, "%s", err->text);
	for (at = BANK_DEFAULT; at < FOUR_GIB; at += RAM_PIECE)
		cr_assert(withheld(w, (struct range){at, RAM_PIECE}, true), "%s", err->text);
}

/* What is in the way of what is placed after bank and board; none of it beyond `n` placed. */
static unsigned obstacles(const struct wish *w, const struct arch_layout *l, struct range *out)
{
	unsigned i, n = 0;

	for (i = 0; i < w->host.n_reserved; i++)
		if (w->reserved[i].kind != RESERVED_RELAXABLE)
			out[n++] = w->reserved[i].range;
	out[n++] = l->msi_bank;
	out[n++] = l->board;
	out[n++] = l->pci.mem32;
	for (i = 0; i < l->n_ram; i++)
		out[n++] = l->ram[i];
	return n;
}

static void check_windows_refusal(const struct wish *w, struct arch_layout *l,
				  const struct error *err)
{
	struct range o[RESERVED_MAX + 3 + RAM_BANKS_MAX], low = {MIB, FOUR_GIB - MIB};
	uint64_t limit = 1ULL << w->host.phys_bits, at, from;
	const struct pci_needs *needs = &w->needs;

	if (says(err, "I/O BARs")) {
		cr_assert_gt(needs->io, 64 * KIB);
	} else if (says(err, "32-bit BARs")) {
		l->pci.mem32.size = 0;
		cr_assert(needs->mem32 >= FOUR_GIB ||
				  !range_find_free(o, obstacles(w, l, o), low,
						   align_up(needs->mem32 + !needs->mem32, 16 * MIB),
						   needs->align32 > 16 * MIB ? needs->align32
									     : 16 * MIB,
						   &at),
			  "%s", err->text);
	} else {
		cr_assert(says(err, "64-bit BARs"), "%s", err->text);
		from = range_last(l->ram[l->n_ram - 1]) + 1;
		from = from < FOUR_GIB ? FOUR_GIB : from;
		cr_assert(from >= limit ||
				  !range_find_free(
					  o, obstacles(w, l, o), (struct range){from, limit - from},
					  align_up(needs->mem64, w->host.page_size),
					  needs->align64 > GIB ? needs->align64 : GIB, &at),
			  "%s", err->text);
	}
}

/* From the span's base on there must be less room than was asked for, counted in whole pieces. */
static void check_ram_refusal(const struct wish *w, const struct arch_layout *l,
			      const struct error *err)
{
	uint64_t at = w->config.ram_placed ? w->config.ram_base : RAM_DEFAULT, room = 0, next;
	uint64_t limit = 1ULL << w->host.phys_bits;
	struct range o[RESERVED_MAX + 3 + RAM_BANKS_MAX];
	unsigned n, i;
	struct arch_layout empty = *l;

	if (says(err, "pieces")) {
		cr_assert_eq(l->n_ram, RAM_BANKS_MAX);
		return;
	}
	empty.n_ram = 0;
	n = obstacles(w, &empty, o);
	for (at = align_up(at, RAM_PIECE); at < limit; at = next) {
		const struct range *hit = range_first_overlap(o, n, (struct range){at, RAM_PIECE});

		next = hit ? align_down(range_last(*hit), RAM_PIECE) + RAM_PIECE : limit;
		for (i = 0; i < n && !hit; i++)
			if (o[i].size && o[i].base > at && o[i].base < next)
				next = align_down(o[i].base, RAM_PIECE);
		if (!hit)
			room += next - at;
		if (next <= at)
			break;
	}
	cr_assert_lt(room, w->config.ram, "%s", err->text);
}

static void check_refusal(const struct wish *w, struct arch_layout *l, const struct error *err)
{
	uint64_t page = w->host.page_size, at;

	if (says(err, "too little memory"))
		cr_assert_lt(w->config.ram, RAM_MIN);
	else if (says(err, ": not a multiple"))
		cr_assert_neq(w->config.ram % page, 0);
	else if (says(err, ": not at a multiple"))
		cr_assert_neq(w->config.ram_base % page, 0);
	else if (says(err, ": too large"))
		cr_assert(w->config.ram > UINT64_MAX - RAM_DEFAULT ||
			  w->config.ram_base > UINT64_MAX - w->config.ram);
	else if (says(err, "PCI: "))
		check_windows_refusal(w, l, err);
	else if (!strncmp(err->text, "--msi-bank", 10))
		check_bank_refusal(w, err);
	else if (says(err, "no bank for messages"))
		check_no_bank(w, err);
	else if (says(err, "the board's registers"))
		cr_assert(!range_find_free(
			&l->msi_bank, 1, (struct range){MIB, FOUR_GIB - MIB},
			align_up(GICR_OFFSET + GICR_SIZE * w->config.cpus, RAM_PIECE), RAM_PIECE,
			&at));
	else
		check_ram_refusal(w, l, err);
}

/* The word behind `before`, as the shell would have it. */
static bool word_after(const struct error *err, const char *before, char word[64])
{
	const char *at = strstr(err->text, before);

	if (!at)
		return false;
	at += strlen(before);
	snprintf(word, 64, "%.*s", (int)strcspn(at, " ;"), at);
	return true;
}

/* Take the advice of a refusal, by the command line; false: there is none. */
static bool advised(struct wish *w, const struct error *err)
{
	char m[64], bank[64];
	char *argv[] = {"run", "-k", "k", NULL, NULL, NULL};
	struct machine_config config;
	struct error parse = {""};
	bool help, ram = word_after(err, "use -m ", m) || word_after(err, "fits is -m ", m);
	bool moved = word_after(err, "use --msi-bank ", bank);

	if (says(err, "leave --msi-bank out")) {
		w->config.msi_bank = (struct range){0};
		return true;
	}
	if (!ram && !moved)
		return false;
	argv[3] = ram ? "-m" : "--msi-bank";
	argv[4] = ram ? m : bank;
	cr_assert_eq(run_parse(5, argv, &config, &help, &parse), 0, "%s", parse.text);
	if (moved) {
		w->config.msi_bank = config.arch.msi_bank;
		return true;
	}
	w->config.ram = config.arch.ram;
	w->config.ram_placed = config.arch.ram_placed;
	w->config.ram_base = config.arch.ram_base;
	return true;
}

static void follow_advice(const struct wish *w, const struct error *err, unsigned *followed)
{
	struct wish better = *w;
	struct error again = {""};
	struct arch_layout l;
	int ret;

	if (advised(&better, err)) {
		ret = plan(&better, &l, &again);
		cr_assert_eq(ret, 0, "'%s', and then: '%s'", err->text, again.text);
		check_sound(&better, &l);
		++*followed;
		if (!says(err, "the most that fits"))
			return;
		cr_assert_lt(better.config.ram, w->config.ram);
		better.config.ram += RAM_PIECE;
		cr_assert(better.config.ram >= w->config.ram || plan(&better, &l, NULL), "%s",
			  err->text);
		return;
	}
	/* Where one option alone is to blame, there is advice. */
	better.config.msi_bank = (struct range){0};
	cr_assert(plan(&better, &l, NULL), "no advice: %s", err->text);
	better = *w;
	better.config.ram_placed = false;
	cr_assert(plan(&better, &l, NULL), "no advice: %s", err->text);
}

Test(arm64_plans, random_machines)
{
	static const char *const reasons[] = {
		"too little",	"not a multiple", "not at a multiple",
		"too large",	"I/O BARs",	  "32-bit BARs",
		"64-bit BARs",	"is not aligned", "is beyond",
		" misses ",	" touches ",	  "lies in guest RAM",
		"is too small", "no bank for",	  "board's registers",
		"does not fit", "pieces",	  "the most that fits",
		"use -m",	"use --msi-bank", "leave --msi-bank out",
	};
	unsigned seen[ARRAY_SIZE(reasons)] = {0}, good = 0, split = 0, followed = 0, i, k;

	srandom(1);
	for (i = 0; i < CASES; i++) {
		struct wish w = random_wish();
		struct error err = {""};
		struct arch_layout l = {0};

		if (!plan(&w, &l, &err)) {
			check_sound(&w, &l);
			good++;
			split += l.n_ram > 1;
			continue;
		}
		for (k = 0; k < ARRAY_SIZE(reasons); k++)
			seen[k] += says(&err, reasons[k]);
		check_refusal(&w, &l, &err);
		follow_advice(&w, &err, &followed);
	}
	cr_assert_gt(good, CASES / 4);
	cr_assert_gt(split, CASES / 20);
	cr_assert_gt(followed, CASES / 10);
	for (k = 0; k < ARRAY_SIZE(reasons); k++)
		cr_expect_gt(seen[k], 0, "'%s' never came up", reasons[k]);
}
