using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Sidecar.Daemon.Inspection;
using Sidecar.Daemon.Listeners;
using Sidecar.Protocol.Transport;

namespace Sidecar.Daemon.Takeover;

/// <summary>
/// The links of one listener: to the daemon it takes over from, if any, and from those that take over from it, by a socket beside the
/// listener's that only processes of the same user may use.
/// </summary>
internal sealed class TakeoverLinks : IExchangeRelay, IAsyncDisposable
{
    // How often a name is tried that the daemon before lets go when it is told: within a second of that, or as long as it is busy.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
    private const int Attempts = 600;

    // One successor at a time; the others are for those that fail in their start and come again.
    private const int MaxLinks = 4;

    private readonly string _listener;
    private readonly LinkPlace _place;
    private readonly LocalFrontEnds _local;
    private readonly CancellationTokenSource _ending = new();
    private readonly LinkOptions _options;
    private readonly Action _superseded;
    private readonly ILogger _logger;
    private readonly UnixListenerSocket _socket;
    private readonly SocketListener _accepting;
    private readonly Lock _gate = new();
    private TakeoverLink[] _links = [];
    private TakeoverLink? _predecessor;
    private Task _linked = Task.CompletedTask;
    private Task _listening = Task.CompletedTask;
    private Task _releasing = Task.CompletedTask;
    private IRelayedFrontEnd? _frontEnd;
    private bool _isOver;

    /// <summary>No link yet.</summary>
    /// <param name="listener">The listener's name.</param>
    /// <param name="place">Where the daemons at the listener find each other.</param>
    /// <param name="local">The front ends of this daemon.</param>
    /// <param name="options">Bounds.</param>
    /// <param name="superseded">Called when another daemon says that it has taken over.</param>
    /// <param name="loggers">Where it logs.</param>
    public TakeoverLinks(
        string listener, LinkPlace place, LocalFrontEnds local, LinkOptions options, Action superseded, ILoggerFactory loggers)
    {
        (_listener, _place, _local, _options, _superseded, _logger) =
            (listener, place, local, options, superseded, loggers.CreateLogger<TakeoverLinks>());
        var own = new UnixListenerOptions { Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite, AllowTakeover = true };
        _socket = new UnixListenerSocket(own, loggers.CreateLogger<UnixListenerSocket>());
        _accepting = new SocketListener(
            new SocketListenerOptions { Name = listener + LinkPlace.Suffix, MaxConnections = MaxLinks, Time = options.Time }, ServeAsync,
            _logger);
    }

    public bool IsOpen => Array.Exists(Volatile.Read(ref _links), static link => link.IsOpen) || _local.HasOther(Place, _frontEnd);

    private string Place => _place.ToString();

    public void Serve(IRelayedFrontEnd frontEnd)
    {
        _frontEnd = frontEnd;
        _local.Add(Place, frontEnd);
    }

    public async ValueTask<byte[]?> AskAsync(string key, ReadOnlyMemory<byte> question, long deadline, CancellationToken gone)
    {
        if (_local.Find(Place, key, _frontEnd) is { } frontEnd)
        {
            var left = _options.Time.GetElapsedTime(_options.Time.GetTimestamp(), deadline);
            return await frontEnd.AnswerAsync(question, left, gone);
        }

        foreach (var link in Volatile.Read(ref _links))
        {
            if (await link.AskAsync(key, question, deadline, gone) is { } answer)
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
            await socket.ConnectAsync(_place.EndPoint, cancellation);
            if (IsStranger(socket))
            {
                socket.Dispose();
                return;
            }
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            socket.Dispose();
            Log.NotLinked(_logger, _listener, _place, e.Message);
            return;
        }

        _linked = RunAsync(socket, link => _predecessor = link);
        Log.Linked(_logger, _listener);
    }

    /// <summary>Lets a successor link from now on. Only logs where that cannot be: a daemon without it is better than none.</summary>
    /// <param name="awaitsName">Whether somebody is about to let the name go.</param>
    public void Listen(bool awaitsName) => _listening = ListenAsync(awaitsName);

    /// <summary>Lets the name go, where only one can have it.</summary>
    public void Release()
    {
        if (_place.IsExclusive)
        {
            _releasing = _accepting.StopAcceptingAsync();
        }
    }

    private async Task ListenAsync(bool awaitsName)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                _accepting.Start(_place.Bind(_socket));
                return;
            }
            catch (Exception e) when (e is IOException or SocketException or ArgumentException)
            {
                if (!_place.IsExclusive || (_predecessor is null && !awaitsName) || attempt == Attempts)
                {
                    Log.NoLink(_logger, _listener, _place, e.Message);
                    return;
                }
            }

            await Task.Delay(Pause, _options.Time, _ending.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_ending.IsCancellationRequested)
            {
                return;
            }
        }
    }

    /// <summary>The whole daemon is up: the one before it may end.</summary>
    public void Announce() => _predecessor?.Supersede();

    /// <summary>Ends all links.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isOver, true))
        {
            return;
        }

        if (_frontEnd is { } frontEnd)
        {
            _local.Remove(frontEnd);
        }

        _socket.Unlink();
        await _ending.CancelAsync();
        await _listening;
        await _accepting.StopAcceptingAsync();
        foreach (var link in Volatile.Read(ref _links))
        {
            link.Close();
        }

        await _accepting.AbortAsync();
        await _linked;
        await _releasing;
        _ending.Dispose();
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

        // The successor waits for the name.
        Release();
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
        await using var pipes = new SocketPipes(socket);
        var link = new TakeoverLink(
            pipes, _options, () => _frontEnd is { } own ? new HereAtPlace(own, _local, Place) : null, OnSuperseded, _logger);
        lock (_gate)
        {
            _links = [.. _links, link];
        }

        begun(link);
        await link.RunAsync();
        lock (_gate)
        {
            _links = [.. _links.Where(other => other != link)];
        }
    }

    // Another daemon asks for whoever here knows; ours asks the others itself about what it does not know.
    private sealed class HereAtPlace(IRelayedFrontEnd own, LocalFrontEnds local, string place) : IRelayedFrontEnd
    {
        public bool Knows(string key) => own.Knows(key) || local.Find(place, key, own) is not null;

        public ValueTask<byte[]?> AnswerAsync(ReadOnlyMemory<byte> question, TimeSpan budget, CancellationToken gone) =>
            own.AnswerAsync(question, budget, gone);
    }
}
