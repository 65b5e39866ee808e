/* SPDX-License-Identifier: GPL-2.0-only */
/* rfm's end of a keeper's control socket. */
#ifndef BACKEND_CLIENT_H
#define BACKEND_CLIENT_H

#define CLIENT_TEXT_MAX	65536

/**
 * client_ask - one request to a keeper
 * @run: directory of the subOS's files, RUN/NAME
 * @request: see keeper_control.c
 * @answer: (out) text, CLIENT_TEXT_MAX bytes
 * @timeout_ms: limit
 *
 * Return: 0; -ECONNREFUSED, -ENOENT there is no keeper, with @answer empty; -ETIME; or what
 * it answered, with one line of text.
 */
int client_ask(const char *run, const char *request, char *answer, int timeout_ms);

#endif /* BACKEND_CLIENT_H */
