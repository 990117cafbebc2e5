namespace Sidecar.Tests.EndToEnd;

/// <summary>The gRPC libraries that are not ours.</summary>
internal enum GrpcPeer
{
    /// <summary>grpcio of the distribution's Python.</summary>
    Python,

    /// <summary>@grpc/grpc-js of Node.</summary>
    Node,
}

/// <summary>Starts the scripts of EndToEnd/Python and EndToEnd/Node, which come in pairs: the same names, arguments and output.</summary>
internal static class PeerScript
{
    // The Python that the distribution's packages belong to.
    private const string OfDistribution = "/usr/bin/python3";

    /// <summary>Starts one.</summary>
    /// <param name="peer">Whose.</param>
    /// <param name="script">The file's name without its extension.</param>
    /// <param name="arguments">Its arguments.</param>
    public static ChildProcess Start(GrpcPeer peer, string script, params IEnumerable<string> arguments) => peer == GrpcPeer.Python
        ? ChildProcess.Start(File.Exists(OfDistribution) ? OfDistribution : "python3", arguments.Prepend(PathOf("Python", script + ".py")))
        : ChildProcess.Start("node", arguments.Prepend(WithPackages(PathOf("Node", script + ".js"))));

    /// <summary>Plays a scenario to its end.</summary>
    /// <returns>The line of its output that begins with <c>result:</c>, without that; all of its output when there is none.</returns>
    public static async Task<string> PlayAsync(GrpcPeer peer, string script, params IEnumerable<string> arguments)
    {
        const string Prefix = "result: ";
        await using var client = Start(peer, script, arguments);
        await client.WaitForExitAsync();
        return client.Output.Split('\n').LastOrDefault(static line => line.StartsWith(Prefix, StringComparison.Ordinal)) is { } line
            ? line[Prefix.Length..]
            : client.Output;
    }

    // Node looks for packages from the script's folder upwards.
    private static string WithPackages(string path)
    {
        for (var folder = Path.GetDirectoryName(path); folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (Directory.Exists(Path.Combine(folder, "node_modules", "@grpc", "grpc-js")))
            {
                return path;
            }
        }

        throw new InvalidOperationException(
            "the Node package @grpc/grpc-js is not installed; run scripts/test.sh, which installs it, or leave the end-to-end tests out with --quick");
    }

    private static string PathOf(string folder, string file) => Path.Combine(AppContext.BaseDirectory, folder, file);
}
