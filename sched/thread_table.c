/*
 * thread_table.c -- slots: who gets one, when it may be claimed again, and under which id.
 *
 * Slots below `reserved` are the system's, so that however many threads users have, the system can
 * start one.  A user's thread never gets one of them; a system's takes a reserved slot while there
 * is one and any other after that.
 *
 * A slot given back goes to the end of the free list of its class, and the one that has been free
 * longest is claimed first: so an id is used again as late as can be, and what waits for a cooldown
 * stands at the end.  When the first of a list has not cooled down, none of it has.
 *
 * A slot's generation rises when it becomes FREE; the word of a free slot has the generation of its
 * next owner.  Generations are 32 bits, begin at 1 and skip 0 when they come round, so an id, slot
 * and generation, is never 0 and does not come back for 4,294,967,295 owners of the slot.
 *
 * Always true (thread_table_check):
 *   S1  a FREE slot is in the free list of its class, once, and no other slot is in one;
 *   S2  a free list is in the order in which its slots may be claimed;
 *   S3  `live` slots are not FREE;
 *   S4  a slot knows its number, and its generation is not 0;
 *   S5  nothing that its last owner waited in is known of a FREE slot.
 *
 * Locks: table->lock (RANK_THREADS) guards the lists; a slot's owner is settled by its word.
 * Cost: claim and release about 60 instructions each, whatever the number of slots.
 */
#include "sched/thread.h"

static enum slot_class slot_class_of(const struct thread_table *table, uint32_t slot)
{
	return slot < table->reserved ? SLOT_SYSTEM : SLOT_USER;
}

static struct thread *slot_thread(struct list *link)
{
	return CONTAINER_OF(link, struct thread, slot_link);
}

/* All that claiming promises to be new; the rest is for who claims it to fill in. */
static void slot_make_new(struct thread *t)
{
	list_init(&t->run_link);
	list_init(&t->wait_link);
	t->timer = (struct timer){ .deadline_ns = UINT64_MAX };
	t->mutexes = 0;
	t->exit_code = 0;
	t->switches = t->gives = t->moved_at = t->ran_ns = t->user_ticks = 0;
	atomic_store_u64(&t->ready_ns, 0);
	atomic_store_u64(&t->wait_until_ns, 0);
	atomic_store_u64(&t->waits_in, 0);
}

void thread_table_init(struct thread_table *table, struct thread *threads, uint32_t slots,
		       uint32_t reserved, uint64_t cooldown_ns)
{
	ASSERT(slots >= 1 && reserved <= slots && slots < UINT32_MAX - CPUS_MAX);
	*table = (struct thread_table){
		.threads = threads,
		.slots = slots,
		.reserved = reserved,
		.cooldown_ns = cooldown_ns,
	};
	lock_init(&table->lock, RANK_THREADS);
	list_init(&table->free[SLOT_SYSTEM]);
	list_init(&table->free[SLOT_USER]);
	for (uint32_t i = 0; i < slots; i++) {
		struct thread *t = &threads[i];
		*t = (struct thread){ .word = 1ull << 32 | THREAD_FREE, .slot = i };
		slot_make_new(t);
		list_init(&t->slot_link);
		list_add_last(&table->free[slot_class_of(table, i)], &t->slot_link);
	}
}

/* The longest free of a class, if it has cooled down. */
static struct thread *slot_take_locked(struct thread_table *table, enum slot_class class)
{
	struct list *list = &table->free[class];

	if (list_empty(list)) return NULL;
	struct thread *t = slot_thread(list->next);
	ASSERT(t->slot < table->slots && slot_class_of(table, t->slot) == class);
	if (t->free_ns > 0 && t->free_ns > mach_now_ns()) return NULL;
	list_remove(&t->slot_link);
	return t;
}

struct thread *thread_claim(struct thread_table *table, enum slot_class class)
{
	ASSERT(class == SLOT_SYSTEM || class == SLOT_USER);
	const mach_irq_t was = lock_take(&table->lock);
	struct thread *t = slot_take_locked(table, class);

	if (t == NULL && class == SLOT_SYSTEM) t = slot_take_locked(table, SLOT_USER);
	if (t != NULL) {
		thread_must_move(t, THREAD_FREE, THREAD_INITIALIZING, 0, 0);
		table->live++;
	}
	lock_drop(&table->lock, was);
	if (t == NULL) return NULL;
	ASSERT(class == SLOT_SYSTEM || t->slot >= table->reserved);
	slot_make_new(t);
	return t;
}

static void slot_give_back(struct thread_table *table, struct thread *t, enum thread_state from)
{
	ASSERT(t == &table->threads[t->slot] && t->slot < table->slots);
	ASSERT(!list_linked(&t->slot_link) && !list_linked(&t->run_link));
	ASSERT(!list_linked(&t->wait_link) && t->timer.deadline_ns == UINT64_MAX);
	const mach_irq_t was = lock_take(&table->lock);

	thread_must_move(t, from, THREAD_FREE, 0, 0);
	t->free_ns = table->cooldown_ns > 0 ? mach_now_ns() + table->cooldown_ns : 0;
	list_add_last(&table->free[slot_class_of(table, t->slot)], &t->slot_link);
	ASSERT(table->live > 0);
	table->live--;
	lock_drop(&table->lock, was);
}

void thread_abandon(struct thread_table *table, struct thread *t)
{
	slot_give_back(table, t, THREAD_INITIALIZING);
}

void thread_release(struct thread_table *table, struct thread *t)
{
	slot_give_back(table, t, THREAD_TERMINATED);
}

struct thread *thread_find(const struct thread_table *table, thread_id id)
{
	const uint32_t slot = (uint32_t)id;

	if (slot >= table->slots) return NULL;
	struct thread *t = &table->threads[slot];
	const uint64_t word = atomic_load_u64(&t->word);
	const enum thread_state state = thread_word_state(word);
	if (thread_word_generation(word) != id >> 32) return NULL;
	return state == THREAD_FREE || state == THREAD_INITIALIZING ? NULL : t;
}

uint32_t thread_count(struct thread_table *table)
{
	const mach_irq_t was = lock_take(&table->lock);
	const uint32_t live = table->live;

	lock_drop(&table->lock, was);
	return live;
}

/* --- check ------------------------------------------------------------------------------------ */

/* Adds to *seen how many slots stand in a class's list. */
static const char *slots_check_list_locked(struct thread_table *table, enum slot_class class,
					   uint32_t *seen)
{
	struct list *head = &table->free[class];
	uint64_t before_ns = 0;

	if (head->next->prev != head || head->prev->next != head)
		return "S1: the links of a free list's head do not meet";
	for (struct list *link = head->next; link != head; link = link->next) {
		const struct thread *t = slot_thread(link);
		if (link->next->prev != link) return "S1: links of free slots do not meet";
		if (++*seen > table->slots) return "S1: more free slots than slots";
		if (thread_word_state(atomic_load_u64(&t->word)) != THREAD_FREE)
			return "S1: a slot in a free list is not free";
		if (slot_class_of(table, t->slot) != class)
			return "S1: a slot is in the free list of another class";
		if (t->free_ns < before_ns) return "S2: a free list is out of order";
		before_ns = t->free_ns;
	}
	return NULL;
}

static const char *slots_check_locked(struct thread_table *table)
{
	uint32_t listed = 0, free = 0;
	const char *why = slots_check_list_locked(table, SLOT_SYSTEM, &listed);

	if (why == NULL) why = slots_check_list_locked(table, SLOT_USER, &listed);
	if (why != NULL) return why;
	for (uint32_t i = 0; i < table->slots; i++) {
		const struct thread *t = &table->threads[i];
		const uint64_t word = atomic_load_u64(&t->word);
		if (t->slot != i) return "S4: a slot does not know its number";
		if (thread_word_generation(word) == 0) return "S4: a slot has generation 0";
		if (thread_word_state(word) != THREAD_FREE) continue;
		free++;
		if (!list_linked(&t->slot_link)) return "S1: a free slot is in no list";
		if (atomic_load_u64(&t->waits_in) != 0) return "S5: a free slot waits somewhere";
	}
	if (free != listed) return "S1: a slot is in two free lists, or in one twice";
	return table->slots - free == table->live ? NULL : "S3: `live` disagrees with the slots";
}

const char *thread_table_check(struct thread_table *table)
{
	const mach_irq_t was = lock_take(&table->lock);
	const char *why = slots_check_locked(table);

	lock_drop(&table->lock, was);
	return why;
}
