/*
 * constant.c -- what the check of portable objects must accept: code, and tables of constants,
 * also such as hold addresses that a linker completes.
 */
const char *canary_name(unsigned n);

const char *canary_name(unsigned n)
{
	static const char *const names[] = { "none", "one" };

	return names[n & 1];
}
