/* turbonav: the person's command.
 *
 * One table of sub-commands; each prints to standard output and returns an exit code. Whether the
 * output arrived is checked here, once, for all of them: a full disk or a reader that went away is
 * an error with a message, so a truncated listing is never taken for a whole one.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/command.h"
#include "hal/base/exit.h"

#ifndef TURBONAV_VERSION
#error "the build defines TURBONAV_VERSION"
#endif

int command_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fputs("Usage: turbonav COMMAND [OPTION]...\n"
          "The command line of turbonav, a robot car that asks a model where to go.\n"
          "\n"
          "Commands:\n"
          "  config show          print every value in effect and where it comes from\n"
          "      --config FILE            read FILE instead of /etc/turbonav/turbonav.conf\n"
          "      --set SECTION.KEY=VALUE  put a value over all others; may be repeated\n"
          "  config check FILE    check FILE by itself; print its first mistake, if any\n"
          "  config keys          print the reference of all keys\n"
          "  explore [GOAL]       let the car explore, and follow it; Ctrl-C stops it\n"
          "      --seconds N              no longer than this\n"
          "      --metres N               no farther than this\n"
          "      --speed MM_S             no faster than this\n"
          "  stop                 stop the car and end what it explores\n"
          "  status               print what the agent sees, does and lacks\n"
          "      --watch                  again and again\n"
          "  drive                drive by the keyboard: w s a d or the arrows, q e turn,\n"
          "                       space stops, x ends; the car moves while a key is held\n"
          "      --url URL                of these four: where 'turbonav-agent --serve' is,\n"
          "                               instead of [http] listen\n"
          "      --token-file FILE        the token, instead of [http] token_file\n"
          "      --config FILE            read FILE instead of /etc/turbonav/turbonav.conf\n"
          "  estop                stop the car, latched; needs no agent: straight to the\n"
          "                       safety process on this machine, with --url or without\n"
          "  reset                end the emergency stop, the same way; arms nothing\n"
          "      --config FILE            with both: where the safety process listens\n"
          "  wheels               first drive, on blocks: one wheel after the other, after\n"
          "                       a typed confirmation; stop the safety process first\n"
          "      --config FILE            read FILE instead of /etc/turbonav/turbonav.conf\n"
          "  camera list          print the cameras: id, model, place, formats and sizes;\n"
          "                       what stands in brackets cannot be used\n"
          "  camera snap FILE     write a picture of the camera that is configured as JPEG\n"
          "      --camera ID              this one of 'camera list'\n"
          "      --size WIDTHxHEIGHT      ask the camera for this size\n"
          "      --config FILE            read FILE instead of /etc/turbonav/turbonav.conf\n"
          "  version              print the version\n"
          "  help                 print this help\n"
          "\n"
          "With --json every command but help prints JSON, one object a line: explore one\n"
          "for each event; drive and wheels one in the end that says what happened, and\n"
          "what a person reads meanwhile goes to standard error.\n"
          "\n"
          "The configuration is read from these places; a later one wins:\n"
          "  1. the defaults                  turbonav config keys\n"
          "  2. the file                      /etc/turbonav/turbonav.conf, or --config FILE\n"
          "  3. conf.d/*.conf beside it       in the order of their names\n"
          "  4. the environment               TURBONAV_SECTION_KEY; NAV_VLLM_URL and\n"
          "                                   NAV_VLLM_MODEL for the first model server\n"
          "  5. the command line              --set explorer.forward=0.2m/s\n"
          "                                   --set vlm.panda.timeout=500ms\n"
          "\n"
          "Exit status:\n"
          "   0  done\n"
          "   1  the safety process refused\n"
          "  64  wrong command line\n"
          "  66  no camera, or one without pictures\n"
          "  71  the system refused something, memory for example\n"
          "  74  standard output, or the file of a picture, failed\n"
          "  75  the agent or the safety process cannot be reached or refused, or a mission\n"
          "      ended by something else than time, distance or a stop\n"
          "  78  mistake in the configuration\n",
          stdout);
    return 0;
}

static int version(int argc, char **argv)
{
    bool json = command_takes_json(&argc, argv);

    if (argc > 1) {
        return strcmp(argv[1], "--help") == 0 ? command_help(0, NULL) : command_unexpected(argv[1]);
    }
    puts(json ? "{\"version\":\"" TURBONAV_VERSION "\"}" : "turbonav " TURBONAV_VERSION);
    return 0;
}

static int close_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) {
        return code;
    }
    fprintf(stderr, "turbonav: cannot write to standard output: %s\n", strerror(errno));
    return code == 0 ? EXIT_OUTPUT : code;
}

int main(int argc, char **argv)
{
    static const struct command commands[] = {
        {"config", command_config}, {"explore", command_explore},
        {"stop", command_stop},     {"status", command_status},
        {"drive", command_drive},   {"estop", command_estop},
        {"reset", command_reset},   {"wheels", command_wheels},
        {"camera", command_camera}, {"version", version},
        {"help", command_help},     {"--version", version},
        {"--help", command_help},   {NULL, NULL},
    };

    /* A closed pipe is then an error of write(), told below. */
    signal(SIGPIPE, SIG_IGN);
    return close_output(command_run(commands, "turbonav", argc, argv));
}
