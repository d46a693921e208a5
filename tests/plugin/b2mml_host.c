/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"
#include "tests/plugin/b2mml_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <arpa/inet.h>
#include <cmocka.h>
#include <curl/curl.h>
#include <dirent.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

/* ---- host ---- */

__attribute__((format(printf, 3, 4))) static void host_log(void *ctx, enum fems_level level, const char *fmt,
							   ...)
{
	struct test_host *h = ctx;
	size_t n = strlen(h->log);
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(h->log + n, sizeof h->log - n, fmt, ap);
	va_end(ap);
	n = strlen(h->log);
	snprintf(h->log + n, sizeof h->log - n, "\n");
}

static int64_t host_now(void *ctx)
{
	(void)ctx;
	return INT64_C(1893970800000000); /* 2030-01-06T23:00:00Z */
}

static enum fems_rc host_wait(void *ctx, int64_t t_us)
{
	(void)t_us;
	return ((struct test_host *)ctx)->stopping ? FEMS_AGAIN : FEMS_OK;
}

static enum fems_rc host_document(void *ctx, const char *type, const char *key, struct fems_span body,
				  struct fems_error *e)
{
	struct test_host *h = ctx;
	json_error_t at;

	if (h->answer != FEMS_OK) {
		snprintf(e->text, sizeof e->text, "%s", h->answer_text);
		return h->answer;
	}
	assert_true(h->n_documents < HOST_DOCUMENTS);
	snprintf(h->documents[h->n_documents].type, sizeof h->documents->type, "%s", type);
	snprintf(h->documents[h->n_documents].key, sizeof h->documents->key, "%s", key);
	h->documents[h->n_documents].body = json_loadb(body.ptr, body.len, JSON_REJECT_DUPLICATES, &at);
	assert_non_null(h->documents[h->n_documents].body);
	h->n_documents++;
	return FEMS_OK;
}

void test_host_init(struct test_host *h)
{
	memset(h, 0, sizeof *h);
	h->host.size = sizeof h->host;
	h->host.abi_major = FEMS_ABI_MAJOR;
	h->host.abi_minor = FEMS_ABI_MINOR;
	h->host.ctx = h;
	h->host.log = host_log;
	h->host.now_us = host_now;
	h->host.wait_until = host_wait;
	h->host.document = host_document;
}

void test_host_forget(struct test_host *h)
{
	for (size_t i = 0; i < h->n_documents; i++)
		json_decref(h->documents[i].body);
	h->n_documents = 0;
	h->log[0] = '\0';
}

/* ---- plugin and settings ---- */

const struct fems_plugin *b2mml_plugin(void)
{
	static const struct fems_plugin *plugin;
	char path[1024];
	void *so;

	if (plugin)
		return plugin;
	snprintf(path, sizeof path, "%s/connectors/b2mml/.libs/b2mml.so", getenv("top_builddir"));
	so = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never closed, as femsd does */
	if (!so)
		fail_msg("%s", dlerror());
	plugin = dlsym(so, "fems_plugin_1");
	assert_non_null(plugin);
	return plugin;
}

static void set_value(const struct fems_key *key, const char *text, char *at)
{
	switch (key->type) {
	case FEMS_T_BOOL:
		*(int64_t *)at = strcmp(text, "true") == 0;
		break;
	case FEMS_T_INT:
		*(int64_t *)at = strtoll(text, NULL, 10);
		break;
	case FEMS_T_DURATION:
		*(int64_t *)at = (int64_t)(strtod(text, NULL) * 1e6);
		break;
	case FEMS_T_ENUM:
		for (*(int64_t *)at = 0; key->choices[*(int64_t *)at]; ++*(int64_t *)at)
			if (strcmp(key->choices[*(int64_t *)at], text) == 0)
				return;
		fail_msg("%s: no choice %s", key->name, text);
		break;
	default:
		*(const char **)at = text;
	}
}

void *settings_fill(const struct fems_plugin *p, const struct setting *set)
{
	char *cfg = calloc(1, p->cfg_size);

	assert_non_null(cfg);
	for (const struct fems_key *k = p->keys; k->name; k++) {
		const char *text = k->def;

		for (const struct setting *s = set; s->name; s++)
			if (strcmp(s->name, k->name) == 0)
				text = s->value;
		set_value(k, text, cfg + k->off);
	}
	return cfg;
}

void instance_open(struct b2mml_instance *it, struct test_host *h, const struct setting *set)
{
	struct fems_settings settings = { .size = sizeof settings };

	memset(it, 0, sizeof *it);
	it->plugin = b2mml_plugin();
	it->cfg = settings_fill(it->plugin, set);
	settings.cfg = it->cfg;
	if (it->plugin->life->check(&settings, &it->error) != FEMS_OK ||
	    it->plugin->life->open(&h->host, &settings, &it->self, &it->error) != FEMS_OK ||
	    it->plugin->life->start(it->self, &it->error) != FEMS_OK)
		fail_msg("%s", it->error.text);
}

void instance_close(struct b2mml_instance *it)
{
	it->plugin->life->stop(it->self);
	it->plugin->life->close(it->self);
	free(it->cfg);
}

void instance_says(const struct b2mml_instance *it, const char *part)
{
	if (!strstr(it->error.text, part))
		fail_msg("\"%s\" does not say \"%s\"", it->error.text, part);
}

enum fems_rc instance_pull(struct b2mml_instance *it, int64_t budget_us)
{
	memset(&it->error, 0, sizeof it->error);
	return it->plugin->connector->pull(it->self, budget_us, &it->error);
}

enum fems_rc instance_push(struct b2mml_instance *it, const char *type, const char *key, const char *body,
			   struct fems_delivery *d)
{
	struct fems_span span = { body, strlen(body) };

	memset(&it->error, 0, sizeof it->error);
	memset(d, 0, sizeof *d);
	d->size = sizeof *d;
	return it->plugin->connector->push(it->self, type, key, span, 5000000, d, &it->error);
}

/* ---- the ERP stand-in ---- */

static void spawn_erp(struct erp_child *c, int out)
{
	char program[1024];
	char *argv[] = { program, "--listen", "127.0.0.1:0", "--keep", c->keep, "--zone", "UTC", NULL };
	posix_spawn_file_actions_t actions;

	snprintf(program, sizeof program, "%s/fems-erp", getenv("top_builddir"));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	assert_int_equal(posix_spawn(&c->pid, program, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
}

void erp_child_start(struct erp_child *c)
{
	struct timespec now;
	int out[2];
	char line[128], clock[80];
	FILE *f;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(clock, sizeof clock, "1893992400000000,%lld,1", (long long)now.tv_sec * 1000000);

	snprintf(c->keep, sizeof c->keep, "/tmp/test-b2mml-XXXXXX");
	assert_non_null(mkdtemp(c->keep));
	assert_int_equal(pipe(out), 0);
	assert_int_equal(setenv("FEMS_CLOCK", clock, 1), 0);
	spawn_erp(c, out[1]);
	unsetenv("FEMS_CLOCK");
	close(out[1]);
	f = fdopen(out[0], "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	assert_int_equal(sscanf(line, "fems-erp: %60s", c->base), 1);
	c->base[strlen(c->base) - 1] = '\0'; /* the slash */
}

static void remove_tree(const char *path)
{
	const struct dirent *d;
	char name[512];
	DIR *dir = opendir(path);

	while (dir && (d = readdir(dir)) != NULL) {
		snprintf(name, sizeof name, "%s/%s", path, d->d_name);
		unlink(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

void erp_child_stop(struct erp_child *c)
{
	int status;

	assert_int_equal(kill(c->pid, SIGTERM), 0);
	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	remove_tree(c->keep);
}

struct bytes {
	char *p;
	size_t n;
};

static size_t collect(char *data, size_t size, size_t count, void *ctx)
{
	struct bytes *b = ctx;

	b->p = realloc(b->p, b->n + size * count + 1);
	assert_non_null(b->p);
	memcpy(b->p + b->n, data, size * count);
	b->n += size * count;
	b->p[b->n] = '\0';
	return size * count;
}

long erp_call(const struct erp_child *c, const char *path, const char *body, json_t **reply)
{
	CURL *curl = curl_easy_init();
	struct bytes b = { NULL, 0 };
	char url[256];
	long status = 0;

	assert_non_null(curl);
	snprintf(url, sizeof url, "%s%s", c->base, path);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &b);
	if (body)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	assert_int_equal(curl_easy_perform(curl), CURLE_OK);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(curl);
	if (reply) {
		*reply = json_loadb(b.p ? b.p : "", b.n, 0, NULL);
		assert_non_null(*reply);
	}
	free(b.p);
	return status;
}

void erp_fault(const struct erp_child *c, const char *mode, int count)
{
	char body[100];

	snprintf(body, sizeof body, "{\"mode\":\"%s\",\"count\":%d,\"ms\":1500}", mode, count);
	assert_int_equal(erp_call(c, "/fault", body, NULL), 200);
}

void instance_open_on_erp(struct b2mml_instance *it, struct test_host *h, const struct erp_child *c)
{
	static char url[128]; /* settings outlive the call */
	const struct setting set[] = { { "url", url },
				       { "allow_plain_http", "true" },
				       { "allow_loopback", "true" },
				       { "timeout", "2" },
				       { NULL, NULL } };

	snprintf(url, sizeof url, "%s/b2mml/operations-schedule", c->base);
	test_host_init(h);
	instance_open(it, h, set);
}

/* ---- a server with one canned answer ---- */

struct canned {
	pthread_t thread;
	int fd;
	const char *answer;
	char request[16384];
};

/* Until the body is as long as its Content-Length tells. */
static bool is_complete(const char *request)
{
	const char *body = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "\r\nContent-Length:");

	return body && strlen(body + 4) >= (length ? strtoul(length + 17, NULL, 10) : 0);
}

static void *canned_run(void *arg)
{
	struct canned *c = arg;
	int fd = accept(c->fd, NULL, NULL);
	size_t n = 0;
	ssize_t got;

	if (fd < 0)
		return NULL;
	while (!is_complete(c->request) && n < sizeof c->request - 1 &&
	       (got = read(fd, c->request + n, sizeof c->request - 1 - n)) > 0)
		n += (size_t)got;
	got = write(fd, c->answer, strlen(c->answer));
	close(fd);
	return NULL;
}

struct canned *canned_start(const char *answer, char *base, size_t cap)
{
	struct canned *c = calloc(1, sizeof *c);
	struct sockaddr_in sa = { .sin_family = AF_INET };
	socklen_t n = sizeof sa;

	assert_non_null(c);
	sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->answer = answer;
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(c->fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(c->fd, 1), 0);
	assert_int_equal(getsockname(c->fd, (struct sockaddr *)&sa, &n), 0);
	snprintf(base, cap, "http://127.0.0.1:%d", ntohs(sa.sin_port));
	assert_int_equal(pthread_create(&c->thread, NULL, canned_run, c), 0);
	return c;
}

char *canned_finish(struct canned *c)
{
	char *request;

	shutdown(c->fd, SHUT_RDWR); /* wakes an accept that nobody called on */
	pthread_join(c->thread, NULL);
	close(c->fd);
	request = strdup(c->request);
	free(c);
	return request;
}
