using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Channels;
using Sidecar.Protocol.Dialects;
using Sidecar.Protocol.Encodings;
using Sidecar.Protocol.Framing;
using Sidecar.Protocol.Messages;

namespace Sidecar.Tests.Support;

/// <summary>An agent that does exactly what a test tells it, well-behaved or not, in the real frames and encodings.</summary>
/// <remarks>
/// Received frames wait in a queue; nothing is answered unless the test does it or sets <see cref="AutoAnswer"/>. Sending is safe from any
/// thread. Every wait has a limit of 30 s of real time, which only a failing test uses up.
/// </remarks>
internal sealed partial class ScriptedAgent : IAsyncDisposable
{
    /// <summary>How long a test waits for what must come.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly Channel<ReceivedFrame> _received = Channel.CreateUnbounded<ReceivedFrame>();
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IDuplexPipe _pipe;
    private readonly Socket? _socket;
    private readonly Task _reading;
    private volatile Stall? _stalled;

    /// <summary>An agent on one end of a pipe, usually <see cref="DuplexPipePair.Far"/>.</summary>
    public ScriptedAgent(IDuplexPipe pipe)
        : this(pipe, null)
    {
    }

    /// <summary>An agent on an accepted socket, which it owns.</summary>
    public ScriptedAgent(Socket socket)
        : this(new SocketPipe(socket), socket)
    {
    }

    private ScriptedAgent(IDuplexPipe pipe, Socket? socket)
    {
        _pipe = pipe;
        _socket = socket;
        _reading = Task.Run(ReadAsync);
    }

    /// <summary>The encoding of its messages after the handshake; <see cref="AcceptAsync"/> sets it.</summary>
    public MessageEncoding Encoding { get; set; } = MessageEncodings.Json;

    /// <summary>The wire it is on. To be set before anything is sent.</summary>
    public AgentDialect Dialect { get; init; } = AgentDialect.Native;

    /// <summary>When set, events are not queued but answered with its result at once; null from it leaves an event unanswered.</summary>
    public Func<AgentEvent, AgentResponse?>? AutoAnswer { get; set; }

    /// <summary>Completes when the other side has closed.</summary>
    public Task Closed => _closed.Task.WaitAsync(Limit, TimeProvider.System);

    /// <summary>Frames received and not yet taken by the test.</summary>
    public int Waiting => _received.Reader.Count;

    /// <summary>The next frame.</summary>
    public async Task<ReceivedFrame> ReceiveAsync()
    {
        try
        {
            return await _received.Reader.ReadAsync().AsTask().WaitAsync(Limit, TimeProvider.System);
        }
        catch (Exception e) when (e is TimeoutException or ChannelClosedException)
        {
            throw new InvalidOperationException("No frame came from the other side; it sent nothing, or closed.", e);
        }
    }

    /// <summary>Writes bytes as they are.</summary>
    public async Task SendRawAsync(ReadOnlyMemory<byte> bytes)
    {
        await _writing.WaitAsync();
        try
        {
            await _pipe.Output.WriteAsync(bytes);
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Writes bytes one at a time; nothing comes between them.</summary>
    public async Task DripAsync(ReadOnlyMemory<byte> bytes)
    {
        await _writing.WaitAsync();
        try
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                await _pipe.Output.WriteAsync(bytes.Slice(i, 1));
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>Reads nothing more, until <see cref="GoOnReading"/>: the other side's writes pile up.</summary>
    /// <returns>Completes when bytes have come that it leaves unread.</returns>
    public Task StopReading() => (_stalled ??= new Stall()).Reached.Task.WaitAsync(Limit, TimeProvider.System);

    /// <summary>Reads again.</summary>
    public void GoOnReading() => Interlocked.Exchange(ref _stalled, null)?.Resumed.TrySetResult();

    /// <summary>Sends no more but still reads.</summary>
    public void HalfClose()
    {
        if (_socket is null)
        {
            _pipe.Output.Complete();
        }
        else
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
    }

    /// <summary>Is gone, as a process that was killed.</summary>
    public void Vanish()
    {
        GoOnReading();
        if (_socket is null)
        {
            _pipe.Output.Complete();
            _pipe.Input.CancelPendingRead();
        }
        else
        {
            _socket.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        Vanish();
        await _reading;
        _writing.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true)
            {
                var result = await _pipe.Input.ReadAsync();
                if (_stalled is { } stalled)
                {
                    _pipe.Input.AdvanceTo(result.Buffer.Start);
                    stalled.Reached.TrySetResult();
                    await stalled.Resumed.Task;
                    continue;
                }

                var buffer = result.Buffer;
                while (Dialect.AgentFormat.TryRead(ref buffer, FrameLimits.MaxLength, out var frame, out _) == FrameScanStatus.Frame)
                {
                    await TakeAsync(new ReceivedFrame((MessageType)frame.Type, frame.Payload.ToArray()));
                }

                _pipe.Input.AdvanceTo(buffer.Start, buffer.End);
                if (result.IsCompleted || result.IsCanceled)
                {
                    break;
                }
            }
        }
        catch (Exception)
        {
            // The other side, or the test, has closed; in memory with whatever error it had.
        }

        await _pipe.Input.CompleteAsync();
        _received.Writer.TryComplete();
        _closed.TrySetResult();
    }

    private async Task TakeAsync(ReceivedFrame frame)
    {
        if (AutoAnswer is not { } answer || EventKinds.Of(frame.Type) == EventKind.None)
        {
            _received.Writer.TryWrite(frame);
            return;
        }

        var message = Encoding.ReadEvent(frame.Type, frame.Payload);
        if (answer(message) is { } response)
        {
            await AnswerAsync(message, response);
        }
    }

    private sealed class Stall
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Resumed { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    // Completing either direction of a stream's pipe must not close the other.
    private sealed class SocketPipe : IDuplexPipe
    {
        public SocketPipe(Socket socket)
        {
            var stream = new NetworkStream(socket, ownsSocket: false);
            Input = PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true));
            Output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
        }

        public PipeReader Input { get; }

        public PipeWriter Output { get; }
    }
}
