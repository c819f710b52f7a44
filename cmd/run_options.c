/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The options of carillon run, in our spelling and in lkvm's. Pure: argv in, a machine out. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "run_options.h"

static const struct option options[] = {
	{"kernel", required_argument, NULL, 'k'},
	{"initrd", required_argument, NULL, 'i'},
	{"params", required_argument, NULL, 'p'},
	{"mem", required_argument, NULL, 'm'},
	{"cpus", required_argument, NULL, 'c'},
	{"disk", required_argument, NULL, 'd'},
	{"vfio", required_argument, NULL, OPT_VFIO},
	{"vfio-pci", required_argument, NULL, OPT_VFIO},
	{"iommu", required_argument, NULL, OPT_IOMMU},
	{"name", required_argument, NULL, OPT_NAME},
	{"console", required_argument, NULL, OPT_CONSOLE},
	{"hugepages", no_argument, NULL, OPT_HUGEPAGES},
	{"prefault", no_argument, NULL, OPT_PREFAULT},
	{"shared-memory", no_argument, NULL, OPT_SHARED},
	{"msi-bank", required_argument, NULL, OPT_MSI_BANK},
	{"irqchip", required_argument, NULL, OPT_IRQCHIP},
	{"cpu", required_argument, NULL, OPT_CPU},
	{"dump-dtb", required_argument, NULL, OPT_DUMP_DTB},
	{"rng", no_argument, NULL, OPT_RNG},
	{"net", required_argument, NULL, 'n'},
	{"network", required_argument, NULL, 'n'},
	{"virtio-transport", required_argument, NULL, OPT_TRANSPORT},
	{"9p", required_argument, NULL, OPT_9P},
	{"balloon", no_argument, NULL, OPT_BALLOON},
	{"pmem", required_argument, NULL, OPT_PMEM},
	{"vsock", required_argument, NULL, OPT_VSOCK},
	{"vhost-user", required_argument, NULL, OPT_VHOST_USER},
	{"ddw", required_argument, NULL, OPT_DDW},
	{"tce-acceleration", required_argument, NULL, OPT_TCE},
	{"json", no_argument, NULL, OPT_JSON},
	{"help", no_argument, NULL, OPT_HELP},
	{NULL, 0, NULL, 0},
};

static int set_ram_size(const char *text, uint64_t *ram, struct error *err)
{
	size_t len = strlen(text);
	uint64_t size;
	int ret = parse_size(text, &size);

	if (ret)
		return fail(err, -ret, "-m %s: %s; use for example -m 512M", text,
			    ret == -ERANGE ? "too large" : "no size");
	/* lkvm counts a bare number in MiB. */
	if (len && text[len - 1] >= '0' && text[len - 1] <= '9' && strncmp(text, "0x", 2)) {
		if (size > UINT64_MAX / MIB)
			return fail(err, ERANGE, "-m %s: too large", text);
		size *= MIB;
	}
	*ram = size;
	return 0;
}

/* "512M", "512M@0x80000000" */
static int set_memory(const char *text, struct arch_config *c, struct error *err)
{
	const char *at = strchr(text, '@');
	char size[32];

	c->ram_placed = at != NULL;
	if (!at)
		return set_ram_size(text, &c->ram, err);
	if (parse_size(at + 1, &c->ram_base))
		return fail(err, EINVAL, "-m %s: '%s' is no address", text, at + 1);
	if ((size_t)(at - text) >= sizeof(size))
		return fail(err, EINVAL, "-m %s: no size; use for example -m 512M@0x40000000",
			    text);
	snprintf(size, sizeof(size), "%.*s", (int)(at - text), text);
	return set_ram_size(size, &c->ram, err);
}

static int set_msi_bank(const char *text, struct range *bank, struct error *err)
{
	const char *comma = strchr(text, ',');
	char base[32];

	snprintf(base, sizeof(base), "%.*s", (int)(comma ? comma - text : 0), text);
	if (!comma || (size_t)(comma - text) >= sizeof(base) || parse_size(base, &bank->base) ||
	    parse_size(comma + 1, &bank->size) || !bank->size ||
	    bank->base > UINT64_MAX - bank->size)
		return fail(err, EINVAL,
			    "--msi-bank %s: it is BASE,SIZE, for example --msi-bank 0x8000000,2M",
			    text);
	return 0;
}

static int set_switch(const char *option, const char *value, bool *off, struct error *err)
{
	*off = !strcmp(value, "off");
	if (!*off && strcmp(value, "on"))
		return fail(err, EINVAL, "%s %s: it is on or off", option, value);
	return 0;
}

/* lkvm calls the board's console serial on every architecture. */
static int set_cpus(const char *text, unsigned *cpus, struct error *err)
{
	uint64_t n;

	if (parse_u64(text, &n) || n > UINT16_MAX)
		return fail(err, EINVAL, "-c %s: no number of CPUs", text);
	if (!n)
		return fail(err, EINVAL, "-c 0: a machine needs at least one CPU");
	*cpus = (unsigned)n;
	return 0;
}

static int add_vfio(const char *text, struct machine_config *c, struct error *err)
{
	struct vfio_device_options *opt = &c->vfio[c->n_vfio];
	unsigned i;
	int ret;

	if (c->n_vfio == MACHINE_VFIO_MAX)
		return fail(err, E2BIG, "--vfio %s: at most %d devices", text, MACHINE_VFIO_MAX);
	ret = vfio_parse_device(text, opt, err);
	for (i = 0; i < c->n_vfio && !ret; i++)
		if (!strcmp(c->vfio[i].bdf, opt->bdf))
			return fail(err, EINVAL, "vfio %s: given twice; give each device once",
				    opt->bdf);
	c->n_vfio += !ret;
	return ret;
}

static int set_option(int opt, char *value, struct machine_config *c, struct error *err)
{
	switch (opt) {
	case 'k':
		c->arch.kernel = value;
		return 0;
	case 'i':
		c->arch.initrd = value;
		return 0;
	case 'p':
		c->arch.params = value;
		return 0;
	case 'm':
		return set_memory(value, &c->arch, err);
	case 'c':
		return set_cpus(value, &c->arch.cpus, err);
	case OPT_VFIO:
		return add_vfio(value, c, err);
	case OPT_IOMMU:
		return vfio_parse_iommu(value, &c->iommu, err);
	case OPT_NAME:
		c->name = value;
		return 0;
	case OPT_MSI_BANK:
		return set_msi_bank(value, &c->arch.msi_bank, err);
	case OPT_IRQCHIP:
		c->arch.irqchip = value;
		return 0;
	case OPT_CPU:
		c->arch.cpu = value;
		return 0;
	case OPT_DDW:
		return set_switch("--ddw", value, &c->arch.no_dynamic_windows, err);
	case OPT_TCE:
		return set_switch("--tce-acceleration", value, &c->arch.no_tce_acceleration, err);
	case OPT_DUMP_DTB:
		c->arch.dump_dtb = value;
		return 0;
	case OPT_TRANSPORT:
		return virtio_parse_transport(value, &c->arch.virtio_mmio, err);
	case OPT_PREFAULT:
		c->memory.prefault = true;
		return 0;
	case OPT_HUGEPAGES:
		c->memory.hugepages = true;
		return 0;
	case OPT_SHARED:
		c->memory.shared = true;
		return 0;
	default:
		return run_set_device(opt, value, &c->virtio, err);
	}
}

/* A letter may be one of several in a word, of which getopt has not come to the end. */
static int fail_unknown(int opt, char **argv, struct error *err)
{
	char letter[] = {'-', (char)optopt, 0};
	bool is_short = opt == '?' && optopt > 0 && optopt <= INT8_MAX;

	return fail(err, EINVAL, "what is '%s'? See: carillon run --help",
		    is_short ? letter : argv[optind - 1]);
}

/* Options into config; what is no option is left behind optind. json NULL: there is no --json. */
static int parse(int argc, char **argv, struct machine_config *config, bool *help, bool *json,
		 struct error *err)
{
	int opt, ret;

	/* Devices, which come last, are written where there are some: their room is 20 KiB. */
	memset(config, 0, offsetof(struct machine_config, virtio.disks));
	config->arch.ram = 256 * MIB;
	config->arch.cpus = 1;
	*help = false;
	optind = 0; /* glibc: start over, for a second call in one process */
	while ((opt = getopt_long(argc, argv, ":k:i:p:m:c:d:n:", options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			*help = true;
			return 0;
		}
		if (opt == ':')
			return fail(err, EINVAL, "%s needs a value", argv[optind - 1]);
		if (opt == '?' || (opt == OPT_JSON && !json))
			return fail_unknown(opt, argv, err);
		if (opt == OPT_JSON) {
			*json = true;
			continue;
		}
		ret = set_option(opt, optarg, config, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* What can't be had together. */
static int check_together(const struct machine_config *c, struct error *err)
{
	if (c->virtio.balloon && c->n_vfio)
		return fail(err, EINVAL,
			    "--balloon: with --vfio nothing can be given back to the host, because "
			    "devices pin all of the guest's memory; leave one of them out");
	if (c->virtio.n_pmem && c->arch.virtio_mmio)
		return fail(err, EINVAL,
			    "--pmem %s: such memory is a BAR; use --virtio-transport pci",
			    c->virtio.pmem[0].path);
	return 0;
}

int run_parse(int argc, char **argv, struct machine_config *config, bool *help, struct error *err)
{
	int ret = parse(argc, argv, config, help, NULL, err);

	if (ret || *help)
		return ret;
	if (optind < argc)
		return fail(err, EINVAL, "what is '%s'? See: carillon run --help", argv[optind]);
	if (!config->arch.kernel)
		return fail(err, EINVAL, "no kernel given; use -k KERNEL");
	ret = check_together(config, err);
	return ret ?: arch_check(&config->arch, err);
}

/* Options, and what is none: devices. */
static int parse_devices(int argc, char **argv, struct machine_config *config, bool *help,
			 bool *json, struct error *err)
{
	int ret;

	*json = false;
	ret = parse(argc, argv, config, help, json, err);
	for (; optind < argc && !ret; optind++)
		ret = add_vfio(argv[optind], config, err);
	return ret;
}

int map_parse(int argc, char **argv, struct machine_config *config, bool *json, struct error *err)
{
	bool help;
	int ret = parse_devices(argc, argv, config, &help, json, err);

	if (ret)
		return ret;
	if (help || !config->n_vfio)
		return fail(err, EINVAL,
			    "usage: carillon vfio map [--json] [-m SIZE[@ADDRESS]] "
			    "[--msi-bank BASE,SIZE] [OPTION of run…] BDF…");
	return arch_check(&config->arch, err);
}

int check_parse(int argc, char **argv, struct machine_config *config, bool *json, struct error *err)
{
	bool help;
	int ret = parse_devices(argc, argv, config, &help, json, err);

	if (!ret && (help || config->n_vfio != 1))
		ret = fail(err, EINVAL, "usage: carillon vfio check [--json] [--iommu KIND] %s",
			   VFIO_DEVICE_SYNTAX);
	return ret;
}
