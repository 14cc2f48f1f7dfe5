/* SPDX-License-Identifier: BSD-3-Clause */
/* What an image on the command line is for. */
#ifndef CLI_IMAGES_H
#define CLI_IMAGES_H

#include "plan/plan.h"

/* PREFERRED, unless the image is one for the other architecture. */
enum plan_arch image_arch(const char *image, enum plan_arch preferred);

#endif
