"""The launcher: hand-shake with the command, signals, restarts, fallbacks; nothing may be left behind."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.launcher_bench import FOLLOW, Job
from tests.fakes.runner import heredoc_outputs

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc to see what was left behind"),
]

NO_ENGINE = 'echo "Cannot connect to the Docker daemon" >&2; exit 1'
BROKEN_RUN = 'if [ "$1" = run ]; then echo "docker: Error response from daemon: no" >&2; exit 125; fi'


def environment_name(job: Job) -> str:
    job.run("pre")
    return next(file.name for file in (job.cache / "deploy-coordinator").glob("*-py*") if file.is_file())


class TestHost:
    def test_pre_hands_its_folder_on_and_records_the_runtime(self, job: Job) -> None:
        done = job.run("pre", "print('pre ran', sys.flags.isolated)")
        assert (done.code, "pre ran 1" in done.log) == (0, True), done.log
        assert job.state.stat().st_mode & 0o777 == 0o700
        assert re.fullmatch(r"host /.*/bin/python\n", (job.state / "runtime").read_text())

    def test_the_folder_is_named_even_if_pre_fails(self, job: Job) -> None:
        done = job.run("pre", "code = 3")
        assert done.code == 3
        assert job.state.is_dir()

    def test_main_without_command_is_the_coordinator(self, job: Job) -> None:
        job.run("pre")
        assert job.run("main", "print(step); code = 6").code == 6

    def test_main_without_state_says_why(self, job: Job) -> None:
        done = job.run("main", DEPLOY_COORDINATOR_STATE="")
        assert done.code == 70
        assert "::error" in done.log
        assert "nothing was deployed" in done.log

    def test_pre_whose_folder_cannot_be_named_does_nothing(self, job: Job) -> None:
        done = job.run("pre", "print('ran')", GITHUB_OUTPUT="/dev/full")
        assert (done.code, "ran" in done.log, "::error" in done.log) == (70, False, True), done.log

    def test_the_folder_is_named_on_a_line_of_its_own(self, job: Job) -> None:
        output = job.folder / "temp" / "output"
        output.write_text("theirs=1")
        assert job.run("pre").code == 0
        assert set(heredoc_outputs(output.read_text())) == {"theirs", "state"}

    def test_the_command_line_is_put_on_the_path_on_a_line_of_its_own(self, job: Job) -> None:
        path = job.folder / "path"
        path.write_text("/theirs")
        done = job.run("setup", DEPLOY_COORDINATOR_STATE="", GITHUB_PATH=str(path))
        assert done.code == 0, done.log
        first, second = path.read_text().splitlines()
        assert (first, second.endswith("/bin")) == ("/theirs", True)
        assert job.run("setup", DEPLOY_COORDINATOR_STATE="", GITHUB_PATH="/dev/full").code == 70

    def test_post_without_state_goes_on(self, job: Job) -> None:
        done = job.run("post", "print(step, state.is_dir())", DEPLOY_COORDINATOR_STATE="")
        assert (done.code, done.log.splitlines()[-1]) == (0, "post True")

    def test_a_cache_that_cannot_be_written_is_done_without(self, job: Job, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        done = job.run("pre", "print('ran')", RUNNER_TOOL_CACHE=str(tmp_path / "file"))
        assert (done.code, done.log.splitlines()[-1]) == (0, "ran")

    def test_an_unknown_step_is_refused(self, job: Job) -> None:
        assert job.run("sing", DEPLOY_COORDINATOR_STATE="").code == 70

    def test_without_python_the_remedy_is_named(self, job: Job, tmp_path: Path) -> None:
        tools = tmp_path / "tools"
        tools.mkdir()
        for name in ("bash", "mktemp", "mkdir", "cut", "sha256sum", "rm", "find", "cat", "tr"):
            (tools / name).symlink_to(shutil.which(name) or "/bin/false")
        cache = str(tmp_path / "empty")
        done = job.run("pre", PATH=str(tools), pythonLocation="", RUNNER_TOOL_CACHE=cache)
        assert done.code == 70
        assert "actions/setup-python" in done.log
        late = job.run("post", PATH=str(tools), pythonLocation="", RUNNER_TOOL_CACHE=cache)
        assert (late.code, "::warning" in late.log) == (0, True)

    def test_two_jobs_make_one_environment_and_a_dead_lock_does_not_stop_them(
        self, action: Path, tmp_path: Path, job: Job
    ) -> None:
        name = environment_name(job)
        fresh = tmp_path / "fresh"
        lock = fresh / "deploy-coordinator" / f"{name}.lock"
        lock.mkdir(parents=True)
        (lock / "owner").write_text(f"{os.uname().nodename} {2**22 + 1}\n")
        jobs = [Job(action, tmp_path / str(number), fresh) for number in range(2)]
        running = [each.start("pre", "print('ran')") for each in jobs]
        assert [each.wait().code for each in running] == [0, 0], [each.log.read_text() for each in running]
        assert len(list((fresh / "deploy-coordinator").iterdir())) == 2, "the environment and its name"

    def test_an_environment_that_is_gone_is_replaced(self, action: Path, tmp_path: Path, job: Job) -> None:
        name = environment_name(job)
        other = tmp_path / "other"
        (other / "deploy-coordinator").mkdir(parents=True)
        (other / "deploy-coordinator" / name).write_text("gone\n")
        done = Job(action, tmp_path / "second", other).run("pre", "print('ran')")
        assert (done.code, done.log.splitlines()[-1]) == (0, "ran")


class TestCommand:
    def test_its_outputs_cannot_pass_for_those_of_the_step(self, job: Job) -> None:
        job.prepared('printf "outcome=succeeded\\nurl=x\\n" >>"$GITHUB_OUTPUT"')
        assert job.run("main", "go(); command_exit(); code = 7").code == 7
        assert (job.state / "command.output").read_text() == "outcome=succeeded\nurl=x\n"
        assert "outcome" not in (job.folder / "temp" / "output").read_text()

    def test_it_runs_when_told_and_its_exit_code_is_seen(self, job: Job) -> None:
        job.prepared("echo command; false | cat; echo never")
        done = job.run("main", "time.sleep(0.3); print('first'); " + FOLLOW)
        assert (done.code, done.log) == (1, "first\ncommand\n")
        assert job.alive() == []

    def test_it_never_runs_if_the_coordinator_ends_first(self, job: Job) -> None:
        job.prepared("echo command")
        done = job.run("main", "code = 5")
        assert (done.code, done.log) == (5, "")

    def test_it_has_the_users_environment_without_the_inputs(self, job: Job) -> None:
        job.prepared("pwd; env; cat; trap - INT; kill -INT $BASHPID")
        (job.state / "command.cwd").write_text(f"{job.folder}\n")
        done = job.run("main", FOLLOW, MY_OWN="kept")
        assert done.code == 130
        assert done.log.splitlines()[0] == str(job.folder)
        assert "MY_OWN=kept" in done.log
        assert "s3cret" not in done.log

    def test_a_missing_folder_is_told(self, job: Job) -> None:
        job.prepared("echo command")
        (job.state / "command.cwd").write_text("/not/there\n")
        done = job.run("main", FOLLOW)
        assert done.code == 1
        assert "/not/there" in done.log

    def test_nothing_of_it_outlives_the_coordinator(self, job: Job) -> None:
        job.prepared("sleep 60 & trap '' TERM; echo up; sleep 60")
        done = job.run("main", "go(); time.sleep(0.5); code = 6")
        assert (done.code, job.alive()) == (6, [])
        assert done.seconds < 15

    def test_what_it_leaves_in_the_background_is_ended_at_once(self, job: Job) -> None:
        job.prepared("sleep 60 & echo done")
        done = job.run("main", FOLLOW)
        assert (done.code, job.alive()) == (0, [])
        assert done.seconds < 3


class TestSignals:
    def test_an_interrupt_reaches_both(self, job: Job) -> None:
        job.prepared("trap 'echo command heard; exit 4' INT; echo up; sleep 60 & wait")
        running = job.start(
            "main",
            "signal.signal(signal.SIGINT, lambda *_: print('coordinator heard'))\n"
            "go(); command_exit(); code = 130",
        )
        running.until("up")
        running.send(signal.SIGINT)
        done = running.wait(timeout=20)
        assert (done.code, job.alive()) == (130, [])
        assert "command heard" in done.log
        assert "coordinator heard" in done.log
        assert done.seconds < 5

    def test_the_runners_cancel_leaves_nothing_even_if_everybody_is_deaf(self, job: Job) -> None:
        job.prepared("trap '' INT TERM; echo up; sleep 60 & sleep 61")
        running = job.start(
            "main",
            "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
            "signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))\n"
            "go(); time.sleep(60)",
        )
        running.until("up")
        running.send(signal.SIGINT)
        time.sleep(7.5)
        assert running.process.poll() is None
        running.send(signal.SIGTERM)
        done = running.wait(timeout=2.5)
        assert (done.code, job.alive()) == (130, [])

    def test_a_cancel_while_the_command_is_not_yet_allowed(self, job: Job) -> None:
        job.prepared("echo never")
        running = job.start("main", "print('up'); time.sleep(60)")
        running.until("up")
        running.send(signal.SIGINT)
        done = running.wait()
        assert (done.code, job.alive()) == (130, [])
        assert "never" not in done.log

    def test_a_step_without_command_gets_the_signal_itself(self, job: Job) -> None:
        running = job.start(
            "pre", "signal.signal(signal.SIGINT, lambda *_: sys.exit(9)); print('up'); time.sleep(60)"
        )
        running.until("up")
        running.send(signal.SIGINT)
        assert running.wait().code == 9

    def test_a_cancel_ends_a_slow_build_at_once(self, job: Job) -> None:
        job.tool("docker", "case $1 in image) exit 1 ;; build) echo building; sleep 60 ;; esac")
        running = job.start("pre", DEPLOY_COORDINATOR_RUNTIME="auto")
        running.until("::group::")
        time.sleep(0.3)
        running.send(signal.SIGINT)
        done = running.wait(timeout=5)
        assert (done.code, job.alive()) == (130, [])


class TestRestart:
    def test_a_killed_coordinator_is_started_again_and_the_command_goes_on(self, job: Job) -> None:
        job.prepared("echo up; until [ -e again ]; do sleep 0.05; done; exit 3")
        done = job.run(
            "main",
            "n = os.environ['DEPLOY_COORDINATOR_RESTARTS']; go()\n"
            "if n == '0': time.sleep(0.3); os.kill(os.getpid(), signal.SIGKILL)\n"
            "print('restart', n); pathlib.Path('again').touch(); code = command_exit()",
        )
        assert done.code == 3
        assert "restart 1" in done.log
        assert done.log.count("up") == 1
        assert job.alive() == []

    def test_restarts_end_and_the_command_decides(self, job: Job) -> None:
        job.prepared("echo up; sleep 3; exit 4")
        done = job.run("main", "go(); time.sleep(0.05); print('began'); sys.exit(70)")
        assert done.code == 4
        assert done.log.count("began") == 7
        assert done.log.count("::warning") == 2

    def test_what_follows_a_kill_stands_outside_of_the_group_that_was_open(self, job: Job) -> None:
        job.run("pre")
        done = job.run(
            "main",
            "print('::group::Deploy')\n"
            "if os.environ['DEPLOY_COORDINATOR_RESTARTS'] == '0': os.kill(os.getpid(), signal.SIGKILL)",
        )
        lines = done.log.splitlines()
        assert lines[:2] == ["::group::Deploy", "::endgroup::"]
        assert "is started again" in lines[2]

    def test_an_exit_code_of_the_command_is_not_taken_for_a_death(self, job: Job) -> None:
        job.prepared("kill -KILL $$")
        done = job.run("main", FOLLOW)
        assert (done.code, done.log.count("started again")) == (137, 0)

    def test_a_command_is_not_started_without_a_coordinator(self, job: Job) -> None:
        job.prepared("echo never")
        done = job.run("main", "print('started'); sys.exit(70)")
        assert (done.code, done.log.count("started\n"), "never" in done.log) == (70, 7, False)

    @pytest.mark.parametrize("death", ["os.kill(os.getpid(), signal.SIGKILL)", "sys.exit(70)"])
    def test_a_deployment_without_command_is_gone_on_with(self, job: Job, death: str) -> None:
        job.run("pre")
        done = job.run(
            "main",
            "n = os.environ['DEPLOY_COORDINATOR_RESTARTS']; print('start', n)\n"
            f"if n != '2': {death}\n"
            "code = 1",
        )
        assert done.code == 1, done.log
        assert "start 2" in done.log
        assert job.alive() == []

    def test_the_last_coordinator_does_not_watch_and_its_verdict_counts(self, job: Job) -> None:
        job.run("pre")
        done = job.run(
            "main",
            "if 'DEPLOY_COORDINATOR_UNWATCHED' not in os.environ: os.kill(os.getpid(), signal.SIGKILL)\n"
            "print('unwatched', os.environ['DEPLOY_COORDINATOR_RESTARTS'])",
        )
        assert (done.code, "unwatched 6" in done.log) == (0, True), done.log
        assert done.log.count("::warning") == 1

    def quick(self, job: Job) -> Path:
        """Pauses of a second or more take a moment; the file that is returned holds their lengths."""
        pauses = job.folder / "pauses"
        job.tool(
            "sleep",
            f'case $1 in 0.*) exec {shutil.which("sleep")} "$1" ;; esac\n'
            f'echo "$1" >>"{pauses}"; exec {shutil.which("sleep")} 0.02',
        )
        return pauses

    def test_if_nobody_can_say_how_it_ended_it_is_unknown(self, job: Job) -> None:
        job.run("pre")
        pauses = self.quick(job)
        done = job.run("main", "os.kill(os.getpid(), signal.SIGKILL)")
        assert (done.code, done.log.count("::error")) == (7, 1), done.log
        assert "unknown is not success" in done.log
        assert [int(text) for text in pauses.read_text().split()] == [1, 2, 4, 8, 16, 32, *[60] * 5]

    def test_one_that_does_not_watch_is_started_again_too(self, job: Job) -> None:
        job.run("pre")
        self.quick(job)
        done = job.run(
            "main",
            "n = int(os.environ['DEPLOY_COORDINATOR_RESTARTS'])\n"
            "if n < 9: os.kill(os.getpid(), signal.SIGKILL)\n"
            "print('unwatched', os.environ['DEPLOY_COORDINATOR_UNWATCHED'], n)",
        )
        assert (done.code, "unwatched 1 9" in done.log) == (0, True), done.log

    def test_a_kill_during_a_pause_of_the_runner_is_the_end(self, job: Job) -> None:
        job.run("pre")
        running = job.start("main", "os.kill(os.getpid(), signal.SIGKILL)")
        running.until("is started again in 2 s", timeout=60)
        running.send(signal.SIGINT)
        done = running.wait(timeout=20)
        assert (done.code != 0, job.alive()) == (True, []), done.log

    def test_a_verdict_is_not_asked_for_twice(self, job: Job) -> None:
        job.run("pre")
        done = job.run("main", "print('asked'); code = 7")
        assert (done.code, done.log) == (7, "asked\n")

    def test_a_cancel_between_two_starts_is_the_end(self, job: Job) -> None:
        job.run("pre")
        running = job.start(
            "main",
            "signal.signal(signal.SIGINT, lambda *_: os.kill(os.getpid(), signal.SIGKILL))\n"
            "print('up'); time.sleep(60)",
        )
        running.until("up")
        running.send(signal.SIGINT)
        done = running.wait()
        assert (done.log.count("up"), job.alive()) == (1, [])
        assert done.code != 0


class TestLeftovers:
    def test_post_ends_what_a_killed_main_left(self, job: Job) -> None:
        job.prepared("trap '' TERM; echo up; sleep 60 & sleep 61")
        running = job.start("main", FOLLOW)
        running.until("up")
        running.send(signal.SIGKILL)
        running.wait()
        assert job.alive() != []
        done = job.run("post", "print(step)")
        assert (done.code, done.log, job.alive()) == (0, "post\n", [])

    def test_post_leaves_a_stranger_with_the_same_number_alone(self, job: Job) -> None:
        job.run("pre")
        with subprocess.Popen(["sleep", "60"], start_new_session=True) as stranger:
            (job.state / "command.pid").write_text(f"{stranger.pid}\n")
            assert job.run("post").code == 0
            assert stranger.poll() is None
            stranger.kill()


class TestFallback:
    @pytest.mark.parametrize("docker", [NO_ENGINE, BROKEN_RUN])
    def test_auto_takes_the_host_with_one_warning(self, job: Job, docker: str) -> None:
        job.tool("docker", docker)
        done = job.run("pre", "print('ran on', sys.executable)", DEPLOY_COORDINATOR_RUNTIME="auto")
        assert (done.code, done.log.count("::warning")) == (0, 1), done.log
        assert "ran on" in done.log
        assert (job.state / "runtime").read_text().startswith("host ")
        later = job.run("main", DEPLOY_COORDINATOR_RUNTIME="auto")
        assert (later.code, later.log) == (0, "")

    @pytest.mark.parametrize("docker", [NO_ENGINE, BROKEN_RUN])
    def test_container_says_what_why_and_next(self, job: Job, docker: str) -> None:
        job.tool("docker", docker)
        done = job.run("pre", "print('ran')", DEPLOY_COORDINATOR_RUNTIME="container")
        assert (done.code, "ran\n" in done.log) == (70, False)
        assert "runtime: auto" in done.log

    def test_post_never_fails_a_deployment_that_has_ended(self, job: Job) -> None:
        job.tool("docker", 'if [ "$1" = run ]; then kill -KILL $$; fi')
        job.run("pre", DEPLOY_COORDINATOR_RUNTIME="host")
        (job.state / "runtime").write_text("container image\n")
        done = job.run("post", DEPLOY_COORDINATOR_RUNTIME="container")
        assert (done.code, done.log.count("::warning")) == (0, 1)

    def test_an_image_that_cannot_be_pulled_is_no_workflow_command(self, job: Job) -> None:
        job.tool("docker", 'case $1 in image | pull | version) echo "##[error]no" >&2; exit 1 ;; esac')
        done = job.run("pre", DEPLOY_COORDINATOR_RUNTIME="auto", DEPLOY_COORDINATOR_IMAGE="x\n::error::boo")
        assert done.code == 0
        assert "\n::error" not in done.log
        assert "x%0A::error" in done.log

    def test_docker_failing_under_a_running_command_leaves_it_untouched(self, job: Job) -> None:
        # This docker runs the coordinator on the host, and dies once with Docker's own exit code.
        job.tool(
            "docker",
            f'if [ "$1" != run ]; then exit 0; fi\n[ "${{@: -1}}" = main ] || exit 0\n'
            f'"{sys.executable}" -I "$GITHUB_ACTION_PATH/entrypoint.py" main; sleep 0.3; exit 125',
        )
        auto = {"DEPLOY_COORDINATOR_RUNTIME": "auto"}
        job.prepared("echo up; sleep 1; exit 3", **auto)
        done = job.run(
            "main", "go()\nif os.environ['DEPLOY_COORDINATOR_RESTARTS'] == '1': code = command_exit()", **auto
        )
        assert done.code == 3, done.log
        assert (done.log.count("up"), done.log.count("::warning")) == (1, 1), done.log

    def test_docker_sees_no_value_and_awkward_paths_whole(self, job: Job) -> None:
        job.tool("docker", 'if [ "$1" = run ]; then printf "%s\\n" "$@" >"$RUNNER_TEMP/arguments"; fi')
        home = job.folder / 'ho"me, sweet'
        (home / ".aws").mkdir(parents=True)
        done = job.run(
            "pre",
            DEPLOY_COORDINATOR_RUNTIME="container",
            DEPLOY_COORDINATOR_REGISTRY="file://missing/deployments.json",
            AWS_SECRET_ACCESS_KEY="s3cret too",
            NPM_TOKEN="s3cret three",
            HOME=str(home),
        )
        assert done.code == 0, done.log
        arguments = (job.folder / "temp" / "arguments").read_text()
        assert "s3cret" not in arguments
        assert "AWS_SECRET_ACCESS_KEY\n" in arguments
        assert "NPM_TOKEN" not in arguments
        assert f"type=bind,source={job.workspace},target={job.workspace}\n" in arguments
        quoted = str(home / ".aws").replace('"', '""')
        assert f'type=bind,"source={quoted}","target={quoted}",readonly\n' in arguments
        assert not (job.workspace / "missing").exists(), "a mount of the host may be missing"
        assert "missing" not in arguments.replace("DEPLOY_COORDINATOR_REGISTRY", "")


class TestCredentials:
    """The container sees what the job's credentials need, or the host is used."""

    CONFIG = """
    [default]
    region = eu-west-1

    [profile deploy]
    role_arn = arn:aws:iam::1:role/x
    source_profile = base
    # credential_process = no
    [profile base]
    {}
    """

    def job_with(self, job: Job, setting: str, **environment: str) -> Job:
        job.tool("docker", 'if [ "$1" = run ]; then printf "%s\\n" "$@" >"$RUNNER_TEMP/arguments"; fi')
        config = job.folder / "config"
        config.write_text(textwrap.dedent(self.CONFIG.format(setting)))
        job.environment.update(
            DEPLOY_COORDINATOR_RUNTIME="auto",
            AWS_CONFIG_FILE=str(config),
            HOME=str(job.folder),
            **environment,
        )
        return job

    def test_a_program_means_the_host(self, job: Job) -> None:
        self.job_with(job, "credential_process = /opt/login --json", AWS_PROFILE="deploy")
        done = job.run("pre", "print('ran')")
        assert done.log.splitlines()[-1] == "ran", done.log
        assert "'deploy' gets its credentials from a program" in done.log
        assert (job.state / "runtime").read_text().startswith("host ")

    @pytest.mark.parametrize(
        "environment",
        [{}, {"AWS_PROFILE": "default"}, {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}],
    )
    def test_one_of_a_profile_that_is_not_used_means_nothing(
        self, job: Job, environment: dict[str, str]
    ) -> None:
        self.job_with(job, "credential_process = /opt/login --json", **environment)
        assert job.run("pre").code == 0
        assert (job.state / "runtime").read_text().startswith("container ")

    def mounted(self, job: Job) -> str:
        assert job.run("pre").code == 0
        return (job.folder / "temp" / "arguments").read_text()

    def a_file(self, job: Job, folder: str = "elsewhere") -> Path:
        file = job.folder / folder / "the token"
        file.parent.mkdir()
        file.touch()
        return file

    def test_certificates_that_the_profile_names_are_mounted(self, job: Job) -> None:
        bundle = self.a_file(job)
        self.job_with(job, f"ca_bundle={bundle}\r", AWS_PROFILE="deploy")
        assert f"type=bind,source={bundle},target={bundle},readonly\n" in self.mounted(job)

    def test_of_a_token_that_the_profile_names_the_folder_is_mounted(self, job: Job) -> None:
        folder = self.a_file(job).parent
        self.job_with(job, f"web_identity_token_file={folder}/the token\r", AWS_PROFILE="deploy")
        assert f"type=bind,source={folder},target={folder},readonly\n" in self.mounted(job)

    @pytest.mark.parametrize(
        "name",
        [
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_SHARED_CREDENTIALS_FILE",
        ],
    )
    def test_of_a_named_file_that_is_replaced_the_folder_is_mounted(self, job: Job, name: str) -> None:
        real = self.a_file(job, "real")
        link = job.folder / "linked" / "token"
        link.parent.mkdir()
        link.symlink_to(real)
        self.job_with(job, "", **{name: str(link)})
        mounted = self.mounted(job)
        for folder in (real.parent, link.parent):
            assert f"type=bind,source={folder},target={folder},readonly\n" in mounted

    def test_of_a_file_in_a_folder_of_the_system_nothing_else_is_mounted(self, job: Job) -> None:
        file = job.folder / "credentials"
        file.touch()
        self.job_with(job, "", AWS_SHARED_CREDENTIALS_FILE=str(file))
        mounted = self.mounted(job)  # the job's folder is its HOME
        assert f"type=bind,source={file},target={file},readonly\n" in mounted
        assert f"source={job.folder},target" not in mounted

    def test_certificates_of_the_host_reach_the_container(self, job: Job) -> None:
        bundle = self.a_file(job)
        self.job_with(job, "", NODE_EXTRA_CA_CERTS=str(bundle))
        mounted = self.mounted(job)
        assert f"type=bind,source={bundle},target={bundle},readonly\n" in mounted
        assert "NODE_EXTRA_CA_CERTS\n" in mounted
        if os.path.exists("/etc/ssl/certs/ca-certificates.crt"):  # noqa: PTH110
            assert (job.state / "host-certificates.pem").stat().st_size > 1000


class TestARelease:
    """Its checkout names the published image: `tools/release.py` writes that."""

    IMAGE = "registry.example/org/deploy-coordinator@sha256:" + "a" * 64
    NOTED = 'echo "$1 ${@: -1}" >>"$RUNNER_TEMP/calls"; '

    @pytest.fixture
    def job(self, action: Path, shared: Path, tmp_path: Path) -> Job:
        released = tmp_path / "released"
        shutil.copytree(action, released)
        (released / "image.digest").write_text(f"{self.IMAGE}\n")
        return Job(released, tmp_path, shared, {"DEPLOY_COORDINATOR_RUNTIME": "container"})

    def calls(self, job: Job) -> list[str]:
        return (job.folder / "temp" / "calls").read_text().splitlines()

    def test_its_image_is_pulled_once_and_nothing_is_built(self, job: Job) -> None:
        job.tool("docker", self.NOTED + "case $1 in image) exit 1 ;; esac")
        for step in ("pre", "main"):
            assert job.run(step).code == 0
        asked = [call for call in self.calls(job) if not call.startswith("info")]
        assert asked == [f"image {self.IMAGE}", f"pull {self.IMAGE}", "run pre", "run main"]
        assert (job.state / "runtime").read_text() == f"container {self.IMAGE}\n"

    def test_what_is_there_already_is_not_pulled(self, job: Job) -> None:
        job.tool("docker", self.NOTED)
        assert job.run("pre").code == 0
        assert [call for call in self.calls(job) if not call.startswith("info")] == [
            f"image {self.IMAGE}",
            "run pre",
        ]

    def test_where_it_cannot_be_pulled_the_same_is_built_from_the_checkout(self, job: Job) -> None:
        job.tool("docker", self.NOTED + "case $1 in image | pull) echo no >&2; exit 1 ;; esac")
        done = job.run("pre")
        assert done.code == 0, done.log
        assert "could not be pulled; building the same from this checkout" in done.log
        assert f"build {job.action}" in self.calls(job)
        assert (job.state / "runtime").read_text().startswith("container deploy-coordinator:")


@pytest.mark.container
class TestContainer:
    @pytest.fixture
    def job(self, action: Path, shared: Path, tmp_path: Path, engine: dict[str, str]) -> Job:
        for note in shared.glob("deploy-coordinator/not-built-*"):  # of an engine that a test played
            note.unlink(missing_ok=True)
        return Job(action, tmp_path, shared, {**engine, "DEPLOY_COORDINATOR_RUNTIME": "container"})

    def containers(self, job: Job) -> str:
        name = f"name=deploy-coordinator-{job.state.suffix[1:]}"
        return self.docker(job, "ps", "-aq", "--filter", name)

    def docker(self, job: Job, *arguments: str) -> str:
        return subprocess.run(
            ["docker", *arguments], env=job.environment, check=True, capture_output=True, text=True
        ).stdout

    def test_all_steps_in_an_image_of_this_checkout(self, job: Job) -> None:
        done = job.run("pre", "print('in', os.getcwd()); open('left', 'w'); print(os.getuid())")
        assert done.code == 0, done.log
        assert done.log.splitlines()[-2:] == [f"in {job.workspace}", str(os.getuid())]
        assert (job.workspace / "left").exists()
        assert re.fullmatch(
            r"container deploy-coordinator:[0-9a-f]{16}\n", (job.state / "runtime").read_text()
        )
        second = job.run("pre", "code = 3")
        assert (second.code, second.log) == (3, "")  # nothing is built again
        assert job.run("post", "print(sys.flags.isolated)").log == "1\n"

    def test_the_command_runs_on_the_host(self, job: Job) -> None:
        job.prepared("echo command $MY_OWN; exit 5")
        done = job.run("main", "print('coordinator', os.environ.get('MY_OWN')); " + FOLLOW, MY_OWN="kept")
        assert (done.code, done.log) == (5, "coordinator None\ncommand kept\n")
        assert self.containers(job) == ""

    def test_an_interrupt_reaches_both(self, job: Job) -> None:
        job.prepared("trap 'echo command heard; exit 4' INT; echo up; sleep 60 & wait")
        running = job.start(
            "main",
            "signal.signal(signal.SIGINT, lambda *_: print('coordinator heard'))\n"
            "go(); command_exit(); code = 130",
        )
        running.until("up")
        running.send(signal.SIGINT)
        done = running.wait()
        assert (done.code, job.alive(), self.containers(job)) == (130, [], "")
        assert "command heard" in done.log
        assert "coordinator heard" in done.log

    def test_a_killed_container_is_started_again(self, job: Job) -> None:
        job.prepared("echo up; until [ -e again ]; do sleep 0.05; done; exit 3")
        running = job.start(
            "main",
            "n = os.environ['DEPLOY_COORDINATOR_RESTARTS']; go()\n"
            "if n == '0': time.sleep(60)\n"
            "print('restart', n); pathlib.Path('again').touch(); code = command_exit()",
        )
        running.until("up")
        self.docker(job, "kill", self.containers(job).strip())
        done = running.wait()
        assert (done.code, self.containers(job)) == (3, "")
        assert "restart 1" in done.log
        assert done.log.count("up") == 1

    def test_post_removes_what_a_killed_main_left(self, job: Job) -> None:
        job.prepared("echo up; sleep 60")
        running = job.start("main", FOLLOW)
        running.until("up")
        running.send(signal.SIGKILL)
        running.wait()
        assert self.containers(job) != ""
        assert job.run("post").code == 0
        assert (self.containers(job), job.alive()) == ("", [])

    def test_a_container_that_sees_another_disk_is_not_used(self, job: Job) -> None:
        real = shutil.which("docker")
        job.tool("docker", f'exec {real} "${{@/#$(id -u):$(id -g)/4321:4321}}"')
        done = job.run("pre", "print('ran as', os.getuid())", DEPLOY_COORDINATOR_RUNTIME="auto")
        assert (done.code, done.log.count("::warning")) == (0, 1), done.log
        assert "does not see this job's files" in done.log
        assert f"ran as {os.getuid()}" in done.log
