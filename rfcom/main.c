// SPDX-License-Identifier: GPL-2.0-only
/*
 * rfcom.ko: begin and end.
 */
#include <linux/module.h>

#include "internal.h"
#include "lend.h"
#include "region.h"

static int __init rfcom_init(void)
{
	int ret;

	ret = rfcom_services_init();
	if (ret)
		return ret;
	ret = rfcom_lend_asks_init();
	if (ret)
		goto err_services;
	rfcom_bulk_init();
	ret = rfcom_rest_init();
	if (ret)
		goto err_bulk;
	ret = rfcom_messages_init();
	if (ret)
		goto err_rest;
	ret = rfcom_watch();
	if (ret)
		goto err_messages;
	ret = rfcom_dev_init();
	if (ret)
		goto err_watch;
	return 0;

err_watch:
	rfcom_unwatch();
err_messages:
	rfcom_messages_exit();
err_rest:
	rfcom_rest_exit();
err_bulk:
	rfcom_bulk_exit();
	rfcom_lend_asks_exit();
err_services:
	rfcom_services_exit();
	return ret;
}

/* Whoever has a channel, a service or a region keeps the module: there are none. */
static void __exit rfcom_exit(void)
{
	rfcom_dev_exit();
	rfcom_rest_exit();
	rfcom_unwatch();
	rfcom_messages_exit();
	rfcom_services_exit();
	rfcom_lend_asks_exit();
	rfcom_regions_exit();
	rfcom_bulk_exit();
}

module_init(rfcom_init);
module_exit(rfcom_exit);
MODULE_DESCRIPTION("RainForest: channels between kernels, and memory that they share");
MODULE_AUTHOR("RainForest developers");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS(RAINFOREST_FICM);
