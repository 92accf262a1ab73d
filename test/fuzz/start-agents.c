/*
 * start-agents SOCKET PROGRAM [ARGUMENT...] : runs a program again and again, one at a time. Its input and its output
 * are the next two connections to a Unix socket, standard error is ours. Prints a line when it listens, then for each
 * program its pid on a line and how it ended on another: exit code or -1, signal or 0. Ends with the process that
 * started it, and the program with it. Node would fork with all its memory, which takes longer than an agent's start;
 * so vfork(2) here, which copies no memory at all.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (listening < 0 || strlen(path) >= sizeof address.sun_path)
		return -1;
	strcpy(address.sun_path, path);
	if (bind(listening, (struct sockaddr *)&address, sizeof address) || listen(listening, 2))
		return -1;
	return listening;
}

static void run(int in, int out, char **command)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	execv(command[0], command);
	_exit(127);
}

int main(int count, char **arguments)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	int listening = count < 3 ? -1 : listen_at(arguments[1]);

	if (listening < 0)
		return 1;
	puts("listening");
	fflush(stdout);
	for (;;) {
		int in = accept4(listening, NULL, NULL, SOCK_CLOEXEC), out = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		int status = 0;
		pid_t child = vfork();

		if (child == 0)
			run(in, out, arguments + 2);
		close(in);
		close(out);
		printf("%d\n", child);
		fflush(stdout);
		if (child < 0 || waitpid(child, &status, 0) < 0)
			return 1;
		printf("%d %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
		fflush(stdout);
	}
}
