using System.Net.Sockets;
using System.Text.Json;
using NUnit.Framework;

namespace Sidecar.Tests.Support;

/// <summary>
/// An agent of a dialect that is not spoken: whoever connects gets, behind what it says first, the bytes that such an agent once answered, and then the end.
/// </summary>
internal sealed class RecordedAgent : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly byte[] _answer;
    private readonly int _piece;
    private readonly Task _running;
    private int _connections;

    /// <summary>An agent that listens.</summary>
    /// <param name="path">Where.</param>
    /// <param name="name">The recording's name in the corpus.</param>
    /// <param name="piece">Most bytes written at once.</param>
    public RecordedAgent(string path, string name, int piece = int.MaxValue)
    {
        (_answer, _piece) = (Answer(name), piece);
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen();
        _running = RunAsync();
    }

    /// <summary>Connections so far.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _running;
        _stopping.Dispose();
    }

    private static byte[] Answer(string name) =>
    [
        .. File.ReadLines(Path.Combine(TestContext.CurrentContext.TestDirectory, "Corpus", "other-dialects", $"{name}.jsonl"))
            .Select(static line => JsonSerializer.Deserialize<JsonElement>(line))
            .Where(static line => line.GetProperty("conn").GetInt32() == 1 && line.GetProperty("dir").GetString() == "<")
            .SelectMany(static line => Convert.FromHexString(line.GetProperty("hex").GetString()!)),
    ];

    private async Task RunAsync()
    {
        try
        {
            while (true)
            {
                using var socket = await _listener.AcceptAsync(_stopping.Token);
                Interlocked.Increment(ref _connections);
                await socket.ReceiveAsync(new byte[4096], SocketFlags.None, _stopping.Token);
                foreach (var piece in _answer.Chunk(_piece))
                {
                    await socket.SendAsync(piece, SocketFlags.None, _stopping.Token);
                }

                socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test is over, or whoever asked has gone.
        }
    }
}
