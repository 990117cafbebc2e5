using System.IO.Pipelines;
using System.Net.Sockets;

namespace Sidecar.Protocol.Transport;

/// <summary>What came first on a new connection.</summary>
internal enum FirstData
{
    /// <summary>Data, or the peer's end: whoever reads sees which.</summary>
    Came,

    /// <summary>Nothing within the time it had.</summary>
    TimedOut,

    /// <summary>The word to stop.</summary>
    Stopped,
}

/// <summary>
/// A connection as a <see cref="SocketListener"/> hands it over: the socket, and who is at its other end. Safe from any thread.
/// </summary>
internal sealed class AcceptedSocket(Socket socket)
{
    private SocketPipes? _pipes;
    private int _isGone;

    /// <summary>The socket; the handler's to close.</summary>
    public Socket Socket => socket;

    /// <summary>
    /// Who connected, as the kernel knows it; null for another kind of socket than Unix, or where the kernel does not tell.
    /// </summary>
    public PeerCredentials? Peer => PeerCredentials.TryRead(socket);

    /// <summary>What the handler made of it, for those who look through the connections that are open; null before it has.</summary>
    public object? Served { get; set; }

    /// <summary>Whether the listener has closed it, or the handler has given it away.</summary>
    public bool IsGone => Volatile.Read(ref _isGone) != 0;

    /// <summary>The socket as pipes, which close it.</summary>
    /// <param name="readAhead">Bytes that may wait for the reader before no more are received; the first call's counts.</param>
    public SocketPipes Open(int readAhead = SocketPipes.ReadAhead) => Taken(_pipes ?? new SocketPipes(socket, readAhead));

    /// <summary>The same, read by a poller.</summary>
    /// <exception cref="IOException">The poller has ended, or the socket cannot be watched.</exception>
    public SocketPipes Open(SocketPoller poller, PipeOptions options) => Taken(_pipes ?? new SocketPipes(socket, poller, options));

    /// <summary>
    /// Waits for the first byte without a buffer: a peer that only connects costs its socket and this wait. It is left to be read.
    /// </summary>
    /// <param name="limit">How long.</param>
    /// <param name="time">The clock of that.</param>
    /// <param name="stopping">Ends the wait.</param>
    /// <param name="readAhead">
    /// For who will <see cref="Open(int)"/> it with this: then a thread of its own waits as long as there is one, because a socket that the
    /// runtime has once waited for wakes it at every byte from then on. Null for who has opened it already, or reads it otherwise.
    /// </param>
    public async Task<FirstData> WaitForDataAsync(TimeSpan limit, TimeProvider time, CancellationToken stopping, int? readAhead = null)
    {
        // Not on the loop that accepts: a peer that has sent already would be served by it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var late = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stopping);
        try
        {
            if (_pipes is null && readAhead is { } bytes && ReceiveThreads.OfProcess.HasRoom)
            {
                Open(bytes);
            }

            if (_pipes is { Input: { } input })
            {
                var first = await input.ReadAsync(either.Token).ConfigureAwait(false);

                // Not looked at: the next read returns it at once.
                input.AdvanceTo(first.Buffer.Start);
                return FirstData.Came;
            }

            await socket.ReceiveAsync(Memory<byte>.Empty, SocketFlags.None, either.Token).ConfigureAwait(false);
            return FirstData.Came;
        }
        catch (OperationCanceledException)
        {
            return stopping.IsCancellationRequested ? FirstData.Stopped : FirstData.TimedOut;
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            return IsGone ? FirstData.Stopped : FirstData.Came;
        }
    }

    private SocketPipes Taken(SocketPipes pipes)
    {
        _pipes = pipes;
        if (IsGone)
        {
            pipes.Dispose();
        }

        return pipes;
    }

    /// <summary>Sends a last word as far as an empty send buffer takes it, without waiting for the peer, and closes.</summary>
    public void CloseWith(ReadOnlySpan<byte> word)
    {
        try
        {
            socket.Blocking = false;
            socket.Send(word);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It is gone already.
        }

        Close();
    }

    /// <summary>Gives the socket away: it outlives the listener.</summary>
    public void Detach() => Interlocked.Exchange(ref _isGone, 1);

    /// <summary>Closes the socket under whoever serves it, unless it was given away.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _isGone, 1) != 0)
        {
            return;
        }

        if (_pipes is { } pipes)
        {
            pipes.Dispose();
        }
        else
        {
            socket.Dispose();
        }
    }
}
