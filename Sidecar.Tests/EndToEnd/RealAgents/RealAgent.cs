using System.Net.Sockets;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.EndToEnd.RealAgents;

/// <summary>A published agent as a process of its own; it can be killed like a crash and comes back at the same place.</summary>
internal sealed class RealAgent : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly LoopbackPort _port = new();
    private readonly RealAgentKind _kind;
    private readonly string _program;

    private RealAgent(RealAgentKind kind, string program) => (_kind, _program) = (kind, program);

    /// <summary>Where the daemon finds it.</summary>
    public string Endpoint => _kind.IsGrpc ? $"http://{Place}" : Place;

    /// <summary>The process.</summary>
    public ChildProcess Process { get; private set; } = null!;

    private string Place => _kind.IsGrpc ? $"127.0.0.1:{_port.Number}" : _directory.Socket("agent");

    /// <summary>Starts it; without its program the calling test is not run.</summary>
    public static async Task<RealAgent> StartAsync(RealAgentKind kind)
    {
        var agent = new RealAgent(kind, await SharedPeer.RequireAsync(kind.Program));
        await agent.ComeUpAsync();
        return agent;
    }

    /// <summary>kill -9, and up again.</summary>
    public async Task CrashAsync()
    {
        await Process.KillAsync();
        await Process.DisposeAsync();
        await ComeUpAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        _port.Dispose();
        _directory.Dispose();
    }

    private async Task ComeUpAsync()
    {
        File.Delete(_directory.Socket("agent"));
        Process = ChildProcess.Start("/usr/bin/env", [.. _kind.Variables, _program, .. _kind.Arguments(Place)]);
        await Eventually.TrueAsync(() => Process.HasExited || Accepts(), TimeSpan.FromSeconds(60), $"{_kind.Name} listens");
        if (Process.HasExited)
        {
            throw new InvalidOperationException($"{_kind.Name} ended: {Process.Output}");
        }
    }

    private bool Accepts()
    {
        if (_kind.IsGrpc)
        {
            return _port.Accepts();
        }

        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Place));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
