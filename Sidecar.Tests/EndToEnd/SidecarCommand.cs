namespace Sidecar.Tests.EndToEnd;

/// <summary>
/// The command under test: the published file that the environment variable <c>SIDECAR_BINARY</c> names, as it is installed, or what was built beside
/// the tests.
/// </summary>
internal static class SidecarCommand
{
    private static readonly string? Published = Environment.GetEnvironmentVariable("SIDECAR_BINARY") is { Length: > 0 } file ? file : null;
    private static readonly string[] Command = Published is null ? ["dotnet", Path.Combine(AppContext.BaseDirectory, "sidecar.dll")] : [Published];

    /// <summary>Whether it is the published file.</summary>
    public static bool IsPublished => Published is not null;

    /// <summary>The command line that starts it, for those who start processes by themselves.</summary>
    public static IReadOnlyList<string> Line(params IEnumerable<string> arguments) => [.. Command, .. arguments];

    public static ChildProcess Start(params IEnumerable<string> arguments) => ChildProcess.Start(Command[0], [.. Command[1..], .. arguments]);

    /// <summary>Starts it under a limit of open files, soft and hard.</summary>
    public static ChildProcess Start(int openFiles, IEnumerable<string> arguments) =>
        ChildProcess.Start("/bin/bash", ["-c", $"ulimit -n {openFiles} && exec \"$@\"", "bash", .. Line(arguments)]);

    public static async Task<ChildProcess> StartAgentAsync(string path, params IEnumerable<string> arguments)
    {
        var agent = Start(["agent", "demo", "--listen", path, .. arguments]);
        await agent.WaitForAsync("listening on");
        return agent;
    }

    /// <summary>Starts the daemon with the patience of a test on a busy machine, where the arguments do not say how long anything may take.</summary>
    public static Task<ChildProcess> StartDaemonAsync(params IEnumerable<string> arguments) => UpAsync(Start(["run", .. Patient(arguments)]));

    /// <summary>Starts it so under a limit of open files.</summary>
    public static Task<ChildProcess> StartDaemonAsync(int openFiles, IEnumerable<string> arguments) => UpAsync(
        Start(openFiles, ["run", .. Patient(arguments)]));

    private static async Task<ChildProcess> UpAsync(ChildProcess daemon)
    {
        await daemon.WaitForAsync("is up");
        return daemon;
    }

    private static List<string> Patient(IEnumerable<string> arguments)
    {
        var patient = arguments.Select(static argument => LacksBudget(argument) ? argument + ",budget=50s" : argument).ToList();
        foreach (var flag in (string[])["--timeout", "--body-timeout"])
        {
            patient.AddRange(patient.Contains(flag) ? [] : [flag, "40s"]);
        }

        return patient;
    }

    private static bool LacksBudget(string argument) =>
        !argument.Contains(",budget=", StringComparison.Ordinal)
        && ((string[])["http=", "frames=", "native=", "spop=", "envoy="]).Any(kind => argument.StartsWith(kind, StringComparison.Ordinal));
}
