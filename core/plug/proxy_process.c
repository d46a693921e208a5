/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "core/plug/proxy_state.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/err.h"
#include "core/loop/mono.h"

#define CHILD_FD  3 /* where fems-host finds its socket */
#define BURIAL_US (US_PER_S / 2)

extern char **environ;

/* ---- start ---- */

static int spawn(const struct proxy *p, int sock, pid_t *pid)
{
	char *argv[] = { p->host_path, (char *)p->name, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none, all;
	int err;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	posix_spawn_file_actions_adddup2(&files, sock, CHILD_FD);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	err = posix_spawn(pid, p->host_path, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static void adopt(struct proxy *p, pid_t pid, int fd)
{
	pthread_mutex_lock(&p->port.lock);
	p->port.fd = fd;
	pthread_mutex_unlock(&p->port.lock);
	pthread_mutex_lock(&p->lock);
	p->pid = pid;
	p->generation++;
	p->kill_why[0] = '\0';
	p->alive = true;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
}

enum fems_rc proxy_spawn(struct proxy *p, struct fems_error *e)
{
	struct timeval limit = { .tv_sec = 5 }; /* a child that is stopped must not hold us */
	int sv[2], err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv))
		return err_set(e, FEMS_EIO, "no socket for a plugin's process: %s", strerror(errno));
	setsockopt(sv[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	err = spawn(p, sv[1], &pid);
	close(sv[1]);
	if (err) {
		close(sv[0]);
		return err_set(e, FEMS_EIO,
			       "%s cannot be run: %s (isolate: true needs it; it is part of femsd's package)",
			       p->host_path, strerror(err));
	}
	adopt(p, pid, sv[0]);
	return FEMS_OK;
}

/* ---- end ---- */

void proxy_kill_locked(struct proxy *p, const char *why)
{
	if (!p->pid)
		return;
	if (!p->kill_why[0])
		(void)str_copy(p->kill_why, sizeof p->kill_why, why);
	kill(p->pid, SIGKILL);
}

/* With the lock held. */
static void describe(struct proxy *p, int status)
{
	const char *in = p->waiting ? "in" : "after", *sig;

	bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;

	if (p->kill_why[0] && killed) {
		snprintf(p->why, sizeof p->why, "its process was ended: %s", p->kill_why);
	} else if (WIFSIGNALED(status)) {
		sig = sigdescr_np(WTERMSIG(status));
		snprintf(p->why, sizeof p->why, "its process was ended by signal %d (%s) %s %s",
			 WTERMSIG(status), sig ? sig : "unknown", in, p->op);
	} else {
		snprintf(p->why, sizeof p->why, "its process ended with status %d %s %s", WEXITSTATUS(status),
			 in, p->op);
	}
}

/* Waits for the end of the child, and hurries it when its end does not come. */
static int wait_child(struct proxy *p)
{
	struct timespec nap = { 0, 2000000 };
	int64_t until = clock_mono_us() + BURIAL_US;
	int status = 0;
	pid_t got;

	for (;;) {
		pthread_mutex_lock(&p->lock);
		got = waitpid(p->pid, &status, WNOHANG);
		if (got == 0 && clock_mono_us() > until)
			proxy_kill_locked(p, "it closed its connection and did not end");
		if (got)
			p->pid = 0; /* from now on the number may be somebody else's */
		pthread_mutex_unlock(&p->lock);
		if (got)
			return status;
		nanosleep(&nap, NULL);
	}
}

static void bury(struct proxy *p)
{
	int status = wait_child(p);

	pthread_mutex_lock(&p->port.lock);
	close(p->port.fd);
	p->port.fd = -1;
	pthread_mutex_unlock(&p->port.lock);
	pthread_mutex_lock(&p->lock);
	describe(p, status);
	p->alive = false;
	pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
}

/* ---- the keeper ---- */

/* True when it was taken by the thread that makes the calls. */
static bool for_caller(struct proxy *p, const struct wire_frame *f)
{
	bool taken = false;

	if (f->kind != WIRE_RESULT && f->kind != WIRE_INCUMBENT)
		return false;
	pthread_mutex_lock(&p->lock);
	if (p->waiting && f->kind == WIRE_INCUMBENT && !p->has_incumbent) {
		p->incumbent = *f;
		taken = p->has_incumbent = true;
	} else if (p->waiting && f->kind == WIRE_RESULT && f->seq == p->seq && !p->answered) {
		p->result = *f;
		taken = p->answered = true;
	}
	if (taken)
		pthread_cond_broadcast(&p->cond);
	pthread_mutex_unlock(&p->lock);
	return taken;
}

static void listen_to(struct proxy *p)
{
	struct wire_frame f;
	int rc;

	while ((rc = wire_receive(p->port.fd, &f)) > 0) {
		if (for_caller(p, &f))
			continue;
		if (f.kind == WIRE_RESULT || f.kind == WIRE_INCUMBENT)
			free(f.data); /* nobody waits for it any more */
		else if (!proxy_asked(p, &f))
			rc = -1;
		if (rc < 0)
			break;
	}
	if (rc >= 0)
		return;
	pthread_mutex_lock(&p->lock);
	proxy_kill_locked(p, "it sent what makes no sense");
	pthread_mutex_unlock(&p->lock);
}

static bool wait_alive(struct proxy *p)
{
	bool alive;

	pthread_mutex_lock(&p->lock);
	while (!p->alive && !p->quit)
		pthread_cond_wait(&p->cond, &p->lock);
	alive = p->alive;
	pthread_mutex_unlock(&p->lock);
	return alive;
}

/* False: it is to end instead. */
static bool wait_delay(struct proxy *p, int64_t us)
{
	struct timespec until = mono_after(us);
	bool quit;

	pthread_mutex_lock(&p->lock);
	while (!p->quit && !pthread_cond_timedwait(&p->cond, &p->lock, &until))
		;
	quit = p->quit;
	pthread_mutex_unlock(&p->lock);
	return !quit;
}

void *proxy_keep(void *proxy)
{
	struct proxy *p = proxy;
	char why[sizeof p->why];

	while (wait_alive(p)) {
		int64_t delay = -1;
		bool quit;

		listen_to(p);
		bury(p);
		pthread_mutex_lock(&p->lock);
		quit = p->quit;
		memcpy(why, p->why, sizeof why);
		pthread_mutex_unlock(&p->lock);
		if (!quit && p->o.down)
			delay = p->o.down(p->o.ctx, why);
		if (delay >= 0 && wait_delay(p, delay))
			p->o.again(p->o.ctx);
	}
	return NULL;
}
