/*
 * list.h -- a doubly linked list through links inside the objects.
 *
 * A list is a ring of links with its head among them; a link that is in no list points to itself,
 * so adding twice and removing twice are seen.  Nothing here locks: whoever owns the list does.
 */
#ifndef MACHINE_LIST_H
#define MACHINE_LIST_H

#include "machine/base.h"

struct list {
	struct list *next, *prev;
};

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_empty(const struct list *head)
{
	return head->next == head;
}

/* Whether a link is in a list. */
static inline bool list_linked(const struct list *link)
{
	return link->next != link;
}

static inline void list_insert_(struct list *link, struct list *prev, struct list *next)
{
	ASSERT(!list_linked(link));
	link->prev = prev;
	link->next = next;
	prev->next = link;
	next->prev = link;
}

static inline void list_add_first(struct list *head, struct list *link)
{
	list_insert_(link, head, head->next);
}

static inline void list_add_last(struct list *head, struct list *link)
{
	list_insert_(link, head->prev, head);
}

static inline void list_remove(struct list *link)
{
	ASSERT(list_linked(link) && link->prev->next == link && link->next->prev == link);
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* The first link, removed, or NULL. */
static inline struct list *list_take_first(struct list *head)
{
	if (list_empty(head)) return NULL;
	struct list *link = head->next;
	list_remove(link);
	return link;
}

#endif
