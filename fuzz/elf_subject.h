/*
 * elf_subject.h -- the state of a run of subject elf, shared by its files.
 */
#ifndef FUZZ_ELF_SUBJECT_H
#define FUZZ_ELF_SUBJECT_H

#include "fuzz/elf_model.h"
#include "fuzz/kmalloc_world.h"
#include "kernel/exec/build.h"

enum { STRING_BYTES_MAX = 0xffff };

/* States that a campaign must reach. */
enum {
	SAW_RUN,
	SAW_EXHAUSTION,
	SAW_REFUSED,
	SAW_LATE,
	SAW_MOVABLE,
	SAW_ZEROES,
	SAW_OVERLAP,
	SAW_BEYOND_FILE,
	SAW_INTERPRETER,
	SAW_SCRIPT,
	SAW_SCRIPT_REFUSED,
	SAW_TOO_BIG,
	SAW_STATES
};

struct elf_state {
	struct pool_world world;
	struct kmalloc km;
	struct vm vm;
	struct file_world files;
	struct exec_config config;
	struct elf_files model; /* the files, and what is known of them */
	struct exec_work work;
	struct elf_expected expected; /* of the work */
	struct elf_map map;
	paddr_t squeezed; /* the first of a chain of pages taken from the pool */
	bool open;        /* there was memory enough to begin with */
	uint32_t maps;    /* backings of files that are out */
	char text[STRING_BYTES_MAX + 1];
	struct slab_cpu cpus[KMALLOC_WORLD_CPUS];
};

_Static_assert(sizeof(struct elf_state) <= RUN_STATE_BYTES, "a run's state holds it");

static inline struct elf_state *state_of(const struct run *run)
{
	return run->state;
}

/* --- elf_world.c --- */

void elf_open(struct run *run);
void elf_close(struct run *run);
void elf_step_squeeze(struct run *run, const struct script_op *op);
void elf_step_relax(struct run *run, const struct script_op *op);

/* A refusal for want of memory: fails unless memory is short. */
void elf_judge_refusal(struct run *run);

/* --- elf_score.c: files and runs, written down (score.h); nothing without a score --- */

void elf_score_opens(void);
void elf_score_run(struct run *run, bool script, const struct elf_expected *e);

/* --- elf_look.c --- */

/* A program was built: everything in its space, against the model. */
void elf_look(struct run *run);

#endif
