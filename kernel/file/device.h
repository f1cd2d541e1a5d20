/*
 * device.h -- the devices that are no hardware: /dev/null, zero, full, random, urandom.
 */
#ifndef KERNEL_FILE_DEVICE_H
#define KERNEL_FILE_DEVICE_H

#include "kernel/file/tree.h"

/* For tree_config.devices.  The last two ask their file_world for bytes. */
extern const struct device device_null, device_zero, device_full, device_random, device_urandom;

#endif
