/*
 * suar_options.c -- linked into a test, turns ASan's search for uses of a stack frame after its
 * function returned on (clang 14 leaves it off).
 */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_stack_use_after_return=1";
}
