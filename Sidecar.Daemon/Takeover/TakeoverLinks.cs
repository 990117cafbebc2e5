using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Hosting;
using Sidecar.Daemon.Inspection;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// The links of one listener: to the daemon it takes over from, if any, and from those that take over from it, by a socket beside the
/// listener's that only processes of the same user may use.
/// </summary>
internal sealed class TakeoverLinks : IExchangeRelay, IAsyncDisposable
{
    /// <summary>What the link's socket file is called: the listener's path, and this.</summary>
    public const string Suffix = ".link";

    // One successor at a time; the others are for those that fail in their start and come again.
    private const int MaxLinks = 4;

    private readonly string _listener;
    private readonly string _path;
    private readonly LinkOptions _options;
    private readonly Action _superseded;
    private readonly ILogger _logger;
    private readonly UnixListenerSocket _socket;
    private readonly SocketListener _accepting;
    private readonly SocketConnectionContextFactory _pipes;
    private readonly Lock _gate = new();
    private TakeoverLink[] _links = [];
    private TakeoverLink? _predecessor;
    private Task _linked = Task.CompletedTask;
    private IRelayedFrontEnd? _frontEnd;

    /// <summary>No link yet.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="path">The listener's path.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="superseded">Called when another daemon says that it has taken over.</param>
    /// <param name="loggers">Where it logs.</param>
    public TakeoverLinks(string listener, string path, LinkOptions options, Action superseded, ILoggerFactory loggers)
    {
        (_listener, _path, _options, _superseded, _logger) = (listener, path + Suffix, options, superseded, loggers.CreateLogger<TakeoverLinks>());
        var own = new UnixListenerOptions { Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, AllowTakeover = true };
        _socket = new UnixListenerSocket(own, loggers.CreateLogger<UnixListenerSocket>());
        _accepting = new SocketListener(new SocketListenerOptions { Name = listener + Suffix, MaxConnections = MaxLinks, Time = options.Time }, ServeAsync, _logger);
        _pipes = new SocketConnectionContextFactory(new SocketConnectionFactoryOptions(), _logger);
    }

    /// <inheritdoc/>
    public bool IsOpen => Array.Exists(Volatile.Read(ref _links), static link => link.IsOpen);

    /// <inheritdoc/>
    public void Serve(IRelayedFrontEnd frontEnd) => _frontEnd = frontEnd;

    /// <inheritdoc/>
    public async ValueTask<byte[]?> AskAsync(string key, ReadOnlyMemory<byte> question, long deadline, CancellationToken gone)
    {
        foreach (var link in Volatile.Read(ref _links))
        {
            if (await link.AskAsync(key, question, deadline, gone).ConfigureAwait(false) is { } answer)
            {
                return answer;
            }
        }

        return null;
    }

    /// <summary>Links with the daemon that listens there now, before its place is taken: no exchange may fall between the two.</summary>
    public async Task ConnectAsync(CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_path), cancellation).ConfigureAwait(false);
            if (IsStranger(socket))
            {
                socket.Dispose();
                return;
            }
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            Log.NotLinked(_logger, _listener, _path, e.Message);
            return;
        }

        _linked = RunAsync(socket, link => _predecessor = link);
        Log.Linked(_logger, _listener);
    }

    /// <summary>Lets a successor link from now on. Only logs where that cannot be: a daemon without it is better than none.</summary>
    public void Listen()
    {
        try
        {
            _accepting.Start(_socket.Bind(new UnixDomainSocketEndPoint(_path)));
        }
        catch (Exception e) when (e is IOException or SocketException or ArgumentException)
        {
            Log.NoLink(_logger, _listener, _path, e.Message);
        }
    }

    /// <summary>The whole daemon is up: the one before it may end.</summary>
    public void Announce() => _predecessor?.Supersede();

    /// <summary>Ends all links.</summary>
    public async ValueTask DisposeAsync()
    {
        _socket.Unlink();
        await _accepting.StopAcceptingAsync().ConfigureAwait(false);
        foreach (var link in Volatile.Read(ref _links))
        {
            link.Close();
        }

        await _accepting.AbortAsync().ConfigureAwait(false);
        await _linked.ConfigureAwait(false);
        _pipes.Dispose();
    }

    private Task ServeAsync(AcceptedSocket accepted)
    {
        if (!IsStranger(accepted.Socket))
        {
            return RunAsync(accepted.Socket, static _ => { });
        }

        accepted.Close();
        return Task.CompletedTask;
    }

    private void OnSuperseded()
    {
        Log.Superseded(_logger, _listener);
        _superseded();
    }

    private bool IsStranger(Socket socket)
    {
        var (peer, own) = (PeerCredentials.TryRead(socket), UnixUsers.Own);
        if (peer?.UserId == own)
        {
            return false;
        }

        Log.Stranger(_logger, _listener, peer?.UserId ?? uint.MaxValue, own);
        return true;
    }

    // Never throws.
    private async Task RunAsync(Socket socket, Action<TakeoverLink> begun)
    {
        var transport = _pipes.Create(socket);
        var link = new TakeoverLink(transport.Transport, _options, () => _frontEnd, OnSuperseded, _logger);
        lock (_gate)
        {
            _links = [.. _links, link];
        }

        begun(link);
        await link.RunAsync().ConfigureAwait(false);
        lock (_gate)
        {
            _links = [.. _links.Where(other => other != link)];
        }

        await transport.DisposeAsync().ConfigureAwait(false);
    }
}
