using System.Text.RegularExpressions;

namespace Sidecar.Tests.EndToEnd;

/// <summary>The proxies that end-to-end tests run: this machine's own, or those of another Debian release that scripts/peers.sh made.</summary>
/// <remarks>
/// Which, the environment variable <c>SIDECAR_TEST_PEERS</c> says once for a run: the root folder of that release, for example
/// <c>/var/cache/sidecar-peers/sid</c>; empty is this machine. So every fixture takes the version of its proxy from outside and none lists them.
/// </remarks>
internal static class PeerPrograms
{
    // In a mount namespace of its own, which ends with the program and leaves nothing mounted. Each step replaces the one before, so that the
    // process that the test signals and kills is the program itself.
    private const string Enter = """mkdir -p "$0$1" && mount --rbind "$1" "$0$1" && root=$0 && shift && exec chroot "$root" "$@" """;

    private static readonly string Root = Environment.GetEnvironmentVariable("SIDECAR_TEST_PEERS") ?? "";

    /// <summary>Starts a proxy. It sees the tests' temporary folders under their own paths, and the network and abstract sockets of this machine.</summary>
    /// <param name="program">Its name, for example <c>haproxy</c>.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProcess Start(string program, params IEnumerable<string> arguments) => StartWith([], program, arguments);

    /// <summary>Starts a proxy with further environment variables.</summary>
    /// <param name="variables">Each <c>NAME=value</c>.</param>
    /// <param name="program">Its name.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProcess StartWith(IEnumerable<string> variables, string program, params IEnumerable<string> arguments)
    {
        // Not every PATH has sbin.
        var path = ((string[])["/usr/sbin/", "/usr/bin/"]).Select(folder => folder + program)
            .FirstOrDefault(static path => File.Exists(Root + path)) ?? program;
        string[] command = ["/usr/bin/env", .. variables, path, .. arguments];
        return Root.Length == 0
            ? ChildProcess.Start(command[0], command[1..])
            : ChildProcess.Start(
                "unshare",
                ["--mount", "--propagation", "private", "/bin/sh", "-c", Enter, Root, Path.TrimEndingDirectorySeparator(Path.GetTempPath()), .. command]);
    }

    /// <summary>The version that a proxy states, its first two numbers, for example 3.2.</summary>
    public static async Task<Version> VersionAsync(string program)
    {
        await using var process = program is "envoy" or "traefik"
            ? ChildProcess.Start(await SharedPeer.RequireAsync(program), program == "envoy" ? "--version" : "version")
            : Start(program, program == "caddy" ? "version" : "-v");
        await process.WaitForExitAsync();
        var version = Regex.Match(process.Output, @"(?<=^|[ v/])\d+\.\d+", RegexOptions.None, TimeSpan.FromSeconds(10));
        return version.Success ? Version.Parse(version.Value) : throw new InvalidOperationException($"{program} states no version: '{process.Output}'");
    }
}
