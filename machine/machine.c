/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A machine's life. A reboot of the guest takes the machine apart and builds it again: every boot
 * is a first boot, and no device needs a second way into its initial state.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "machine.h"
#include "signals.h"

/* KVM's, the terminal's, the control socket's; a device's own, its group's and its IOMMU's. */
#define MACHINE_FILES 64
#define DEVICE_FILES  16

static int allow_files(struct machine *m, struct error *err)
{
	const struct machine_config *c = m->config;

	return vm_allow_files(MACHINE_FILES + c->arch.cpus + DEVICE_FILES * c->n_vfio +
				      vfio_vectors(&m->vfio) + virtio_files(&c->virtio),
			      err);
}

static int add_devices(struct machine *m, struct error *err)
{
	unsigned i;
	int ret = pci_bus_init(&m->bus, &m->vm, err);

	m->bus.intx_gsi = arch_intx_gsi;
	for (i = 0; i < m->config->n_vfio && !ret; i++)
		ret = vfio_add_device(&m->vfio, &m->bus, &m->config->vfio[i], err);
	if (!ret)
		ret = virtio_open(&m->virtio, &m->vm, &m->bus, &m->config->virtio, err);
	return ret ?: allow_files(m, err);
}

/* The devices come first: what they need, and what the host withholds from them, decides. */
static int plan(struct machine *m, const struct arch_host *host, struct arch_layout *layout,
		struct error *err)
{
	struct pci_needs needs;
	int ret = pci_bus_needs(&m->bus, &needs, err);

	if (!ret)
		ret = arch_plan(&m->config->arch, host, &needs, layout, err);
	return ret ?: vfio_check_ram(&m->vfio, layout->ram, layout->n_ram, err);
}

/* Devices opened, everything planned, nothing mapped. *reserved is malloc'ed, also on error. */
static int open_and_plan(struct machine *m, struct arch_host *host, struct vfio_reserved **reserved,
			 struct arch_layout *layout, struct error *err)
{
	int ret, n;

	*reserved = NULL;
	ret = add_devices(m, err);
	if (ret)
		return ret;
	n = vfio_reserved(&m->vfio, reserved, err);
	if (n < 0)
		return n;
	*host = (struct arch_host){.phys_bits = arch_phys_bits(m->vm.kvm),
				   .page_size = (uint64_t)sysconf(_SC_PAGESIZE),
				   .reserved = *reserved,
				   .n_reserved = (unsigned)n};
	return plan(m, host, layout, err);
}

/* All that the devices may reach by DMA, now or later. */
static int hold_iovas(struct machine *m, const struct arch_layout *layout, struct error *err)
{
	struct range wanted[RAM_BANKS_MAX + 2];
	unsigned n = layout->n_ram;

	memcpy(wanted, layout->ram, n * sizeof(*wanted));
	wanted[n++] = layout->pci.mem32;
	wanted[n++] = layout->pci.mem64;
	return vfio_hold_iovas(&m->vfio, wanted, n, err);
}

/* Devices over MMIO, one to a slot of the board's. */
static int place_virtio(struct machine *m, const struct arch_layout *layout, struct error *err)
{
	unsigned i, n = virtio_mmio_count(&m->virtio);
	int ret = 0;

	if (n > arch_slots)
		return fail(err, ENOSPC,
			    "--virtio-transport mmio: %u devices, and this board has room for %u; "
			    "use --virtio-transport pci",
			    n, arch_slots);
	for (i = 0; i < n && !ret; i++) {
		struct arch_slot slot = arch_slot(layout, i);

		ret = virtio_place(&m->virtio, i, slot.registers, slot.gsi, err);
	}
	return ret;
}

static int place(struct machine *m, const struct arch_layout *layout, struct error *err)
{
	struct guest_memory_options opt = m->config->memory;
	int ret;

	/* Devices pin memory. The kernel would make each page while it pins it, on one thread. */
	opt.prefault |= m->config->n_vfio != 0;
	opt.shared |= virtio_shares_memory(&m->config->virtio);
	ret = vm_add_ram(&m->vm, layout->ram, layout->n_ram, &opt, err);

	if (!ret)
		ret = hold_iovas(m, layout, err);
	if (!ret)
		ret = vfio_map_ram(&m->vfio, err);
	if (!ret)
		ret = pci_bus_start(&m->bus, &layout->pci, err);
	return ret ?: place_virtio(m, layout, err);
}

static int begin(struct machine *m, struct error *err)
{
	int ret = vm_create(&m->vm, NULL, &arch_vm_ops, err);

	if (ret)
		return ret;
	m->built = true;
	vfio_init(&m->vfio, &m->vm, &vfio_host_paths, m->config->iommu);
	m->vfio.by_hypercall = arch_by_hypercall;
	m->virtio = (struct virtio){.by_hypercall = arch_by_hypercall,
				    .name = m->config->name,
				    .mmio = m->config->arch.virtio_mmio,
				    .console_out = m->console.out,
				    .kept = m->virtio.kept};
	m->vfio.guest_page = arch_guest_page;
	ret = allow_files(m, err);
	return ret ?: arch_create(&m->vm, &m->config->arch, err);
}

static int load(struct machine *m, const struct arch_layout *layout, struct error *err)
{
	struct arch_parts parts = {&m->bus, &m->vfio, virtio_mmio_count(&m->virtio)};
	struct arch_uart uart = arch_uart(layout);
	int ret;

	if (uart.present) {
		serial_init(&m->serial, &m->vm, uart.mmio, uart.base, uart.gsi, STDOUT_FILENO);
		/* A device may have the user's keys already: then this is for output alone. */
		if (!m->vm.console.input)
			m->vm.console =
				(struct console_port){.input = serial_input, .opaque = &m->serial};
	}
	ret = arch_load(&m->vm, &parts, &m->config->arch, layout, err);
	if (!ret)
		vfio_start(&m->vfio);
	return ret;
}

static int build(struct machine *m, struct error *err)
{
	struct vfio_reserved *reserved = NULL;
	struct arch_layout layout;
	struct arch_host host;
	int ret = begin(m, err);

	if (!ret)
		ret = vm_create_vcpus(&m->vm, m->config->arch.cpus, err);
	if (!ret)
		ret = open_and_plan(m, &host, &reserved, &layout, err);
	free(reserved);
	if (!ret)
		ret = place(m, &layout, err);
	return ret ?: load(m, &layout, err);
}

/* The vCPUs stop first, then the devices lose their hold on memory, then memory goes. */
static void take_apart(struct machine *m)
{
	if (!m->built)
		return;
	vm_stop_vcpus(&m->vm);
	virtio_close(&m->virtio);
	vfio_close(&m->vfio);
	pci_bus_destroy(&m->bus);
	serial_destroy(&m->serial);
	arch_destroy(&m->vm);
	vm_destroy(&m->vm);
	m->built = false;
}

static void signalled(struct loop_source *src, uint32_t events)
{
	struct machine *m = src->opaque;
	struct signalfd_siginfo info;

	(void)events;
	if (read(src->fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGWINCH)
		console_resized(&m->console);
	else
		vm_end(&m->vm, VM_STOPPED, "stopped by signal %u (%s)", info.ssi_signo,
		       strsignal((int)info.ssi_signo));
}

/* Blocked before any thread starts, so that all threads have them blocked. */
static int catch_signals(struct machine *m, struct error *err)
{
	sigset_t set = signals_to_stop();

	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	/* A disk's image that may not grow is an I/O error for its guest. */
	signal(SIGXFSZ, SIG_IGN);
	m->signals = (struct loop_source){.ready = signalled, .opaque = m};
	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return m->signals.fd < 0 ? fail(err, errno, "signals: %s", strerror(errno)) : 0;
}

static enum vm_end run_once(struct machine *m, char *text, size_t size, struct error *err)
{
	enum vm_end end = VM_RUNNING;
	int ret = build(m, err);

	if (!ret) {
		m->boots++;
		loop_add(&m->vm.loop, &m->signals, EPOLLIN);
		console_attach(&m->console, &m->vm);
		control_attach(&m->control, &m->vm.loop);
		/* The guest may have asked for the reboot while the user asked for the pause. */
		if (m->paused)
			vm_pause(&m->vm);
		ret = vm_start_vcpus(&m->vm, err);
		machine_give_back();
		if (!ret)
			ret = loop_run(&m->vm.loop);
		vm_stop_vcpus(&m->vm);
		control_detach(&m->control, &m->vm.loop);
		console_detach(&m->console);
		end = ret ? VM_RUNNING : m->vm.end;
		snprintf(text, size, "%s", m->vm.end_text);
	}
	take_apart(m);
	return end;
}

enum vm_end machine_run(struct machine *m, const struct machine_config *config, char *text,
			size_t size, struct error *err)
{
	enum vm_end end = VM_RUNNING;

	memset(m, 0, sizeof(*m));
	m->config = config;
	m->signals.fd = m->control.source.fd = -1;
	m->console.out = m->console.room.fd = -1;
	if (!catch_signals(m, err) && !control_open(&m->control, m, err) &&
	    !console_open(&m->console, err)) {
		do {
			end = run_once(m, text, size, err);
		} while (end == VM_RESET);
		virtio_forget(&m->virtio);
	}
	console_close(&m->console);
	control_close(&m->control);
	if (m->signals.fd >= 0)
		close(m->signals.fd);
	return end;
}

int machine_plan(const struct machine_config *config, struct map_part **out, struct error *err)
{
	struct vfio_reserved *reserved = NULL;
	struct arch_host host = {0};
	struct arch_layout layout;
	struct machine *m;
	int ret;

	if (arch_by_hypercall)
		return fail(
			err, ENOTSUP,
			"on POWER devices see memory through windows that the guest fills as it "
			"likes: there is no map to plan");
	m = calloc(1, sizeof(*m));
	if (!m)
		return fail(err, ENOMEM, "out of memory");
	m->config = config;
	ret = begin(m, err);
	if (!ret)
		ret = open_and_plan(m, &host, &reserved, &layout, err);
	if (!ret)
		ret = machine_map(&layout, host.reserved, host.n_reserved, host.phys_bits, out);
	if (ret == -ENOMEM)
		fail(err, ENOMEM, "out of memory");
	take_apart(m);
	virtio_forget(&m->virtio);
	free(reserved);
	free(m);
	return ret;
}
