using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Testing;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Transport;

/// <summary>
/// A listener on a real Unix socket whose accepts can be made to fail, with a clock that stands still. Connections are held until the peer closes.
/// </summary>
internal sealed class SocketListenerRig : IAsyncDisposable
{
    private readonly Socket _bound = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<Socket> _clients = [];
    private int _accepts;
    private int _number;

    public SocketListenerRig(Func<SocketListenerOptions, SocketListenerOptions>? change = null, Func<AcceptedSocket, Task>? serve = null)
    {
        var options = new SocketListenerOptions { Name = "test", MaxConnections = 100, Time = Time, Reserve = new DescriptorReserve(1000, _ => Number) };
        Listener = new SocketListener(change?.Invoke(options) ?? options, serve ?? HoldAsync, new FakeLogger(Log, "listener"));
        _bound.Bind(new UnixDomainSocketEndPoint(Path));
    }

    /// <summary>The number that every descriptor has.</summary>
    public int Number
    {
        get => Volatile.Read(ref _number);
        set => Volatile.Write(ref _number, value);
    }

    public TempDirectory Directory { get; } = new();

    public string Path => Directory.Socket("s");

    public FakeTimeProvider Time { get; } = new();

    public FakeLogCollector Log { get; } = new();

    public SocketListener Listener { get; }

    /// <summary>What the next accepts fail with, one each.</summary>
    public ConcurrentQueue<Exception> Failures { get; } = new();

    /// <summary>What every accept fails with; null for none.</summary>
    public Exception? Failure { get; set; }

    /// <summary>How often it was tried to accept.</summary>
    public int Accepts => Volatile.Read(ref _accepts);

    public static SocketException OutOfDescriptors => new((int)SocketError.TooManyOpenSockets);

    public void Start()
    {
        _bound.Listen(512);
        Listener.Start(cancellation =>
        {
            Interlocked.Increment(ref _accepts);
            return Failure is { } failure ? throw failure : Failures.TryDequeue(out var next) ? throw next : _bound.AcceptAsync(cancellation);
        });
    }

    /// <summary>Starts it on the socket itself.</summary>
    public void StartOnSocket() => Listener.Start(_bound);

    public Socket Connect()
    {
        // Without blocking: a queue that is full is an error, not a wait.
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { Blocking = false };
        _clients.Add(client);
        client.Connect(new UnixDomainSocketEndPoint(Path));
        return client;
    }

    /// <summary>Serves until the peer closes, or the socket is closed under it.</summary>
    public static async Task HoldAsync(AcceptedSocket accepted)
    {
        var buffer = new byte[16];
        while (await ReceiveAsync(accepted.Socket, buffer) > 0)
        {
        }

        accepted.Close();
    }

    /// <summary>What the peer hears until it is closed on.</summary>
    public static async Task<byte[]> ReadToEndAsync(Socket client)
    {
        var all = new List<byte>();
        var buffer = new byte[256];
        while (await ReceiveAsync(client, buffer).WaitAsync(Wire.Limit) is > 0 and var count)
        {
            all.AddRange(buffer[..count]);
        }

        return [.. all];
    }

    public Task OpenAsync(int count) => Eventually.TrueAsync(() => Listener.Open == count, Wire.Limit, $"{count} open connections");

    public async ValueTask DisposeAsync()
    {
        await Listener.DisposeAsync();
        _bound.Dispose();
        _clients.ForEach(static client => client.Dispose());
        Directory.Dispose();
    }

    private static async Task<int> ReceiveAsync(Socket socket, byte[] buffer)
    {
        try
        {
            return await socket.ReceiveAsync(buffer, SocketFlags.None);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return 0;
        }
    }
}
