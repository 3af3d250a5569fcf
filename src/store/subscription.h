/*-------------------------------------------------------------------------
 *
 * subscription.h
 *	  Whether rows of the tables come from another server.
 *
 *-------------------------------------------------------------------------
 */
#ifndef JA_SUBSCRIPTION_H
#define JA_SUBSCRIPTION_H

extern bool ja_subscription_fills_tables(void);

#endif							/* JA_SUBSCRIPTION_H */
