/* SPDX-License-Identifier: BSD-3-Clause */
/* A BSP that wants what nobody has. */
void vmx_off(void);
void bsp_init(void);
void bsp_fatal_error(void);

void bsp_init(void)
{
	vmx_off();
}

void bsp_fatal_error(void)
{
}
