using System.Net;
using System.Net.Sockets;
using System.Text;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Messages;
using Sidecar.Tests.Encodings;
using Sidecar.Tests.FrontEnds.Decide;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.EndToEnd;

/// <summary>A daemon with a listener of every kind and a limit of open files of its own, each of which can be asked for a sign of life.</summary>
internal sealed class EveryListener : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly TempDirectory _directory;
    private readonly ChildProcess _agent;

    private EveryListener(TempDirectory directory, ChildProcess agent, ChildProcess daemon, int port)
    {
        (_directory, _agent, Daemon) = (directory, agent, daemon);
        Port = port;
    }

    /// <summary>
    /// The kinds: <c>http</c>, <c>traefik</c> (over TCP), <c>spop</c>, <c>frames</c>, <c>native</c>, <c>envoy</c>, <c>reverse</c> and <c>admin</c>.
    /// </summary>
    public static IReadOnlyList<string> Kinds { get; } = ["http", "traefik", "spop", "frames", "native", "envoy", "reverse", "admin"];

    /// <summary>The daemon's process.</summary>
    public ChildProcess Daemon { get; }

    private int Port { get; }

    /// <summary>Starts it under a limit of open files.</summary>
    /// <param name="limit">Soft and hard.</param>
    /// <param name="bounds">The bound of a kind's connections; null leaves the usual ones.</param>
    public static async Task<EveryListener> StartAsync(int limit, Func<string, int>? bounds = null)
    {
        var directory = new TempDirectory();
        var secret = directory.File("secret");
        await File.WriteAllTextAsync(secret, "K7cX0mQyT1uVb2Nw");
        File.SetUnixFileMode(secret, UnixFileMode.UserRead);
        var agent = await SidecarCommand.StartAgentAsync(directory.Socket("agent"), Stack.AgentFlags);
        var daemon = await SidecarCommand.StartDaemonAsync(
            limit,
            [
                "--agent", $"demo={directory.Socket("agent")}", "--agent", "dials=reverse:",
                "--route", "all,agents=demo",
                "--listen", $"http={directory.Socket("http")},proxy=nginx{Bound("http")}",
                "--listen", $"http=127.0.0.1:0,proxy=traefik,secret-file={secret}{Bound("traefik")}",
                "--listen", $"spop={directory.Socket("spop")}{Bound("spop")}",
                "--listen", $"frames={directory.Socket("frames")}{Bound("frames")}",
                "--listen", $"native={directory.Socket("native")}{Bound("native")}",
                "--listen", $"envoy={directory.Socket("envoy")}{Bound("envoy")}",
                "--listen", $"reverse={directory.Socket("reverse")}{Bound("reverse")}",
                "--listen", $"admin={directory.Socket("admin")}{Bound("admin")}",
            ]);
        await daemon.WaitForAsync("agent demo is reachable");
        var address = daemon.Output.Split(" listens at ")[1].Split('\n')[0];
        return new EveryListener(directory, agent, daemon, new Uri(address).Port);

        string Bound(string kind) => bounds is null ? "" : $",max-connections={bounds(kind)}";
    }

    /// <summary>Opens connections to one listener that say nothing. Disposing of it closes them.</summary>
    public async Task<ChildProcess> FloodAsync(string kind, int count)
    {
        var flood = PeerScript.Start(GrpcPeer.Python, "flood", kind == "traefik" ? $"127.0.0.1:{Port}" : $"unix:{_directory.Socket(kind)}", $"{count}");
        await flood.WaitForAsync("open: ");
        return flood;
    }

    /// <summary>Asks one listener something and waits for the first bytes of what it says.</summary>
    /// <exception cref="TimeoutException">It said nothing.</exception>
    public async Task AssertAnswersAsync(string kind)
    {
        var question = QuestionTo(kind);
        using var limit = new CancellationTokenSource(Patience, TimeProvider.System);
        try
        {
            while (true)
            {
                using var socket = await ConnectAsync(kind, limit.Token);
                if (socket is not null && await HasAnswerAsync(socket, question, limit.Token))
                {
                    return;
                }

                await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, limit.Token);
            }
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"the {kind} listener did not answer within {Patience.TotalSeconds:0} s; the daemon "
                + $"{(Daemon.HasExited ? "has ended" : "is there")}:\n{Daemon.Output}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Daemon.DisposeAsync();
        await _agent.DisposeAsync();
        _directory.Dispose();
    }

    private async Task<Socket?> ConnectAsync(string kind, CancellationToken cancellation)
    {
        var isTcp = kind == "traefik";
        var socket = new Socket(
            isTcp ? AddressFamily.InterNetwork : AddressFamily.Unix, SocketType.Stream, isTcp ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(isTcp ? new IPEndPoint(IPAddress.Loopback, Port) : new UnixDomainSocketEndPoint(_directory.Socket(kind)), cancellation);
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    private static async Task<bool> HasAnswerAsync(Socket socket, byte[] question, CancellationToken cancellation)
    {
        try
        {
            await socket.SendAsync(question, cancellation);
            return await socket.ReceiveAsync(new byte[64], cancellation) > 0;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static byte[] QuestionTo(string kind) => kind switch
    {
        "spop" => SpopProxy.HelloFrame(),
        "frames" => FramesConnectionTests.Frame("""{"phase":"request","request":{"method":"POST","path":"/","body":{"truncated":false}}}""", "b"),
        "native" => Wire.Frame(
            MessageType.HandshakeRequest,
            AnyMessage.Write(
                MessageEncodings.Json, new HandshakeRequest { SupportedVersions = [2], ProxyId = "proxy", ProxyVersion = "1", SupportedEncodings = ["json"] })),
        "reverse" => Wire.Frame(
            MessageType.HandshakeRequest,
            AnyMessage.Write(
                MessageEncodings.Json, new RegistrationRequest { ProtocolVersion = 2, AgentId = "nobody", Capabilities = ScriptedAgent.Capable() })),

        // The preface of HTTP/2 and an empty SETTINGS frame.
        "envoy" => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, 0, 0, 0, 4, 0, 0, 0, 0, 0],
        _ => Encoding.ASCII.GetBytes("GET /healthz HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\n\r\n"),
    };
}
