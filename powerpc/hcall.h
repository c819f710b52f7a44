/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* hcall: numbers of hypercalls and of what they return (PAPR 2.11, 14.5). */
#ifndef CARILLON_POWERPC_HCALL_H
#define CARILLON_POWERPC_HCALL_H

#include <stdint.h>

#define H_SUCCESS		 ((uint64_t)0)
#define H_HARDWARE		 ((uint64_t)-1)
#define H_FUNCTION		 ((uint64_t)-2)
#define H_PARAMETER		 ((uint64_t)-4)
#define H_RESOURCE		 ((uint64_t)-16)
#define H_P2			 ((uint64_t)-55)
#define H_P3			 ((uint64_t)-56)
#define H_P4			 ((uint64_t)-57)
#define H_P5			 ((uint64_t)-58)
#define H_UNSUPPORTED_FLAG_START ((uint64_t)-256)

#define H_GET_TCE		  0x1c
#define H_PUT_TCE		  0x20
#define H_PAGE_INIT		  0x2c
#define H_LOGICAL_CI_LOAD	  0x3c
#define H_LOGICAL_CI_STORE	  0x40
#define H_GET_TERM_CHAR		  0x54
#define H_PUT_TERM_CHAR		  0x58
#define H_CLEAR_MOD		  0x10
#define H_CLEAR_REF		  0x14
#define H_VIO_SIGNAL		  0x104
#define H_PUT_TCE_INDIRECT	  0x13c
#define H_STUFF_TCE		  0x138
#define H_GET_CPU_CHARACTERISTICS 0x1c8
#define H_SET_MODE		  0x31c
#define H_REGISTER_PROC_TBL	  0x37c
#define H_INT_GET_SOURCE_INFO	  0x3a8
#define H_INT_SET_SOURCE_CONFIG	  0x3ac
#define H_INT_GET_SOURCE_CONFIG	  0x3b0
#define H_INT_GET_QUEUE_INFO	  0x3b4
#define H_INT_SET_QUEUE_CONFIG	  0x3b8
#define H_INT_GET_QUEUE_CONFIG	  0x3bc
#define H_INT_ESB		  0x3c8
#define H_INT_SYNC		  0x3cc
#define H_INT_RESET		  0x3d0
/* Not PAPR's: how the RTAS code in guest memory reaches us, as Linux' KVM and QEMU have it. */
#define H_RTAS 0xf000

/* H_SET_MODE's resources. */
#define SET_MODE_ADDR_TRANS 3
#define SET_MODE_LE	    4

/* H_REGISTER_PROC_TBL's flags (PAPR ACR: "Radix MMU"). */
#define PROC_TBL_GTSE	  0x01
#define PROC_TBL_RADIX	  0x04
#define PROC_TBL_REGISTER 0x08
#define PROC_TBL_MODIFY	  0x10

#endif
