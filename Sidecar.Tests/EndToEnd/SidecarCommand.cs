namespace Sidecar.Tests.EndToEnd;

/// <summary>The command under test, as it was built beside the tests.</summary>
internal static class SidecarCommand
{
    private static readonly string Assembly = Path.Combine(AppContext.BaseDirectory, "sidecar.dll");

    public static ChildProcess Start(params IEnumerable<string> arguments) => ChildProcess.Start("dotnet", [Assembly, .. arguments]);

    public static async Task<ChildProcess> StartAgentAsync(string path, params IEnumerable<string> arguments)
    {
        var agent = Start(["agent", "demo", "--listen", path, .. arguments]);
        await agent.WaitForAsync("listening on");
        return agent;
    }

    public static async Task<ChildProcess> StartDaemonAsync(params IEnumerable<string> arguments)
    {
        var daemon = Start(["run", .. arguments]);
        await daemon.WaitForAsync("is up");
        return daemon;
    }
}
