/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * machine: a whole machine, put together from the rooms below: built, run, built again when the
 * guest reboots, taken apart. With it the user's terminal and the control socket, which outlive a
 * reboot.
 */
#ifndef CARILLON_MACHINE_H
#define CARILLON_MACHINE_H

#include <sys/un.h>
#include <termios.h>

#include "arch.h"
#include "hw.h"
#include "pci.h"
#include "vfio.h"
#include "virtio.h"
#include "vm.h"

#define MACHINE_VFIO_MAX 16

/* What the user asked for. Strings belong to the caller and outlive the machine. */
struct machine_config {
	const char *name;
	struct arch_config arch;
	struct guest_memory_options memory;
	enum vfio_iommu_kind iommu;
	unsigned n_vfio;
	struct vfio_device_options vfio[MACHINE_VFIO_MAX];
	struct virtio_options virtio;
};

/* ---- the terminal -------------------------------------------------------------------------- */

#define CONSOLE_INPUT 4096 /* bytes that may wait for the guest, as many as in the kernel's tty */

struct console {
	struct vm *vm;
	struct loop_source source;
	struct loop_source room; /* eventfd: the guest takes input again */
	int out;		 /* stdout, where possible without blocking */
	bool raw, escaped;
	struct termios saved;
	uint8_t input[CONSOLE_INPUT]; /* what the guest has not taken yet */
	unsigned waiting;	      /* bytes of that */
};

/*
 * Take the terminal on stdin, if it is one, into raw mode; give it back. Closing is safe after an
 * error, and with both files -1.
 */
int console_open(struct console *c, struct error *err);
void console_close(struct console *c);
/* Before the vCPUs start, after the devices are made; after they have stopped. */
void console_attach(struct console *c, struct vm *vm);
void console_detach(struct console *c);
/* The terminal has another size. */
void console_resized(struct console *c);

/* ---- the control socket -------------------------------------------------------------------- */

struct machine;

#define CONTROL_CLIENTS 8
#define CONTROL_LINE	128
#define CONTROL_REPLY	(128 * KIB) /* a longer one is neither sent nor taken */

struct control_client {
	struct control *control;
	struct loop_source source; /* fd -1: free */
	uint64_t order;		   /* who came before has a lower one */
	char line[CONTROL_LINE];
	unsigned len;
};

struct control {
	struct machine *machine;
	struct loop_source source; /* the listening socket; fd -1: none */
	struct sockaddr_un address;
	uint64_t next_order;
	struct control_client clients[CONTROL_CLIENTS];
};

/* The directory of the sockets: $CARILLON_RUN, /run/carillon for root, else $XDG_RUNTIME_DIR. */
int control_directory(char *path, size_t size, struct error *err);
int control_address(const char *name, struct sockaddr_un *address, struct error *err);
/* Listen under the machine's name; -EBUSY if one of that name runs. */
int control_open(struct control *c, struct machine *m, struct error *err);
void control_close(struct control *c);
void control_attach(struct control *c, struct loop *loop);
void control_detach(struct control *c, struct loop *loop);
/*
 * The other end: send one command, gather the reply, which is that of a process that may have been
 * taken over by its guest: it is bounded, its control characters are '?', and no more.
 */
int control_ask(const char *name, const char *command, struct text *reply, struct error *err);

/* ---- the machine --------------------------------------------------------------------------- */

struct machine {
	const struct machine_config *config;
	struct vm vm;
	struct pci_bus bus;
	struct vfio vfio;
	struct virtio virtio;
	struct serial serial;
	struct console console;
	struct control control;
	struct loop_source signals; /* signalfd */
	bool built, paused;
	unsigned boots;
};

/*
 * Run until the machine ends; a reboot of the guest builds it again. Returns how it ended; text
 * says it for a person. VM_RUNNING: it never started, see err.
 */
enum vm_end machine_run(struct machine *m, const struct machine_config *config, char *text,
			size_t size, struct error *err);
/* State and counters. On the loop's thread. */
void machine_stat(struct machine *m, struct text *out);

/* ---- the map of a running machine ----------------------------------------------------------- */

/*
 * Who serves a guest's accesses, range by range, and what lies hidden beneath: for people, or as
 * JSON. Ranges that do not fit into CONTROL_REPLY are counted instead. Takes the spaces' locks, one
 * after the other; changes nothing. Any thread.
 */
void machine_spaces(struct space *memory, struct space *ports, bool as_json, struct text *out);

/* ---- the map of I/O addresses -------------------------------------------------------------- */

/* What a plan says of a range; several may nest, an inner one after what holds it. */
struct map_part {
	struct range range;
	const char *kind; /* one word, for programs: "ram", "msi-bank", "reserved", "free" … */
	char what[RESERVED_TEXT];
	unsigned depth; /* how many parts it lies within */
};

/*
 * Pure: the whole I/O address space of a machine up to 1 << bits, sorted: RAM, bank, doorbell,
 * BAR windows, what the host withholds, what is free. *out is malloc'ed. Returns how many parts,
 * or -ENOMEM.
 */
int machine_map(const struct arch_layout *layout, const struct vfio_reserved *reserved,
		unsigned n_reserved, unsigned bits, struct map_part **out);
/*
 * Open the devices and plan the machine as machine_run() would, then let go of everything; nothing
 * is mapped, no guest exists. *out as machine_map() leaves it. Returns how many parts, or -errno.
 */
int machine_plan(const struct machine_config *config, struct map_part **out, struct error *err);

/* Let the host have back what only building machines needs of this process' memory. */
void machine_give_back(void);

#endif
