using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Sidecar.Protocol.Encodings.Protobuf;

namespace Sidecar.Protocol.Grpc;

/// <summary>Reads messages from one direction of a call.</summary>
/// <remarks>
/// One read at a time. It never holds more than one message and what came with it; a message that cannot be read ends the stream, and every
/// later read fails likewise.
/// </remarks>
/// <param name="pipe">The body. It stays the caller's to complete.</param>
/// <param name="maxLength">The longest message to accept, in bytes.</param>
/// <param name="encoding">The peer's <c>grpc-encoding</c>, if it sent one: decides what a compressed message is called.</param>
/// <param name="memory">Where room for large messages is asked for; null for no bound but <paramref name="maxLength"/>.</param>
public sealed class GrpcMessageReader(PipeReader pipe, int maxLength, string? encoding = null, IGrpcReceiveMemory? memory = null)
{
    // What a stream's window holds anyway.
    private const int FreeLength = 64 * 1024;

    private GrpcException? _failure;
    private volatile bool _hasNoReads;
    private volatile bool _isWaiting;
    private bool _isGone;
    private int _reserved;

    /// <summary>Whether room is kept for the last message.</summary>
    public bool HoldsRoom => _reserved > 0;

    /// <summary>
    /// Whether a read by <see cref="TryReadAsync"/> has found that the stream or its connection broke, or was cancelled by its token.
    /// </summary>
    public bool IsGone => _isGone;

    /// <summary>Waits for the next message.</summary>
    /// <param name="parser">The parser of its type.</param>
    /// <param name="cancellation">Ends the wait; nothing is lost, and another read may follow where the pipe allows it.</param>
    /// <returns>The message; null when the peer has sent its last.</returns>
    /// <remarks>
    /// The room of a large message is kept until the next read, or <see cref="Release"/>: so long its reader may work on it.
    /// </remarks>
    /// <exception cref="GrpcException">
    /// What came is no message: <see cref="GrpcStatusCode.ResourceExhausted"/> above the limit, <see cref="GrpcStatusCode.Unimplemented"/>
    /// for a compression we do not know, else <see cref="GrpcStatusCode.Internal"/>. Or there was no room for it in time:
    /// <see cref="GrpcStatusCode.Unavailable"/>.
    /// </exception>
    /// <exception cref="IOException">The stream or its connection broke.</exception>
    public async ValueTask<T?> ReadAsync<T>(MessageParser<T> parser, CancellationToken cancellation)
        where T : class, IMessage<T> => (await ReadAsync(parser, throws: true, cancellation).ConfigureAwait(false)).Message;

    /// <summary>
    /// Waits for the next message where streams often end by a reset: that is a result here, because an exception that climbs up is dear.
    /// </summary>
    /// <param name="parser">The parser of its type.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="GrpcException">As in <see cref="ReadAsync{T}(MessageParser{T}, CancellationToken)"/>.</exception>
    public ValueTask<GrpcRead<T>> TryReadAsync<T>(MessageParser<T> parser, CancellationToken cancellation)
        where T : class, IMessage<T> => ReadAsync(parser, throws: false, cancellation);

    /// <summary>
    /// Ends the read under way by <see cref="TryReadAsync"/>, if there is one, and every later one, as gone. From any thread while the call
    /// lives.
    /// </summary>
    public void EndReads()
    {
        // A wait that begins now sees this, or is seen here.
        _hasNoReads = true;
        Interlocked.MemoryBarrier();
        if (!_isWaiting)
        {
            return;
        }

        try
        {
            pipe.CancelPendingRead();
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or InvalidOperationException)
        {
            // The stream was reset meanwhile, so the read ends by itself.
        }
    }

    [SuppressMessage("Reliability", "CA2012", Justification = "The read is consumed once at most: waiting for its completion does not.")]
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<GrpcRead<T>> ReadAsync<T>(MessageParser<T> parser, bool throws, CancellationToken cancellation)
        where T : class, IMessage<T>
    {
        ArgumentNullException.ThrowIfNull(parser);
        Release();
        if (_isGone && !throws)
        {
            return new GrpcRead<T>(null, IsGone: true);
        }

        while (true)
        {
            if (_failure is not null)
            {
                throw new GrpcException(_failure.Status.Code, _failure.Message, _failure);
            }

#pragma warning disable CA2012 // ReadCompletion only waits; the result is taken once, below, or never where there is none.
            if (Begin(throws, cancellation) is not { } pending)
            {
                return Gone<T>();
            }
#pragma warning restore CA2012
            if (!throws)
            {
                await new ReadCompletion(pending);
                _isWaiting = false;
                if (!pending.IsCompletedSuccessfully)
                {
                    return Gone<T>();
                }
            }

            var read = await pending.ConfigureAwait(false);
            var rest = read.Buffer;
            T? message;
            uint length;
            var hasMessage = false;
            bool isGone;
            try
            {
                hasMessage = TryTake(ref rest, parser, read.IsCompleted, out message, out length);
            }
            catch (GrpcException e)
            {
                _failure = e;
                throw;
            }
            finally
            {
                isGone = !TryAdvance(rest.Start, hasMessage ? rest.Start : rest.End, throws);
            }

            if (hasMessage)
            {
                // It has reached us whole, so whoever accounts for messages must have it; the next read says that the peer is gone.
                _isGone = isGone;
                return new GrpcRead<T>(message, IsGone: false);
            }

            if (isGone)
            {
                return Gone<T>();
            }

            if (read.IsCompleted)
            {
                return default;
            }

            if (read.IsCanceled)
            {
                return throws ? throw new OperationCanceledException("the read was cancelled") : new GrpcRead<T>(null, IsGone: true);
            }

            if (length > FreeLength && _reserved == 0 && memory is not null)
            {
                await ReserveAsync(memory, (int)length).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Waits until the peer has ended its side; the room of the last message is kept.</summary>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="GrpcException">More came: <see cref="GrpcStatusCode.Internal"/>.</exception>
    /// <exception cref="IOException">The stream or its connection broke.</exception>
    public async ValueTask ReadEndAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var read = await pipe.ReadAsync(cancellation).ConfigureAwait(false);
            var hasMore = !read.Buffer.IsEmpty;
            pipe.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (hasMore)
            {
                _failure = new GrpcException(GrpcStatusCode.Internal, "more than one message was received; the method takes one");
                throw _failure;
            }

            if (read.IsCompleted)
            {
                return;
            }
        }
    }

    /// <summary>Gives back the room of the last message; without effect when it has none. No read may be under way.</summary>
    public void Release()
    {
        if (_reserved > 0)
        {
            memory!.Return(_reserved);
            _reserved = 0;
        }
    }

    private GrpcRead<T> Gone<T>()
        where T : class, IMessage<T>
    {
        (_isWaiting, _isGone) = (false, !_hasNoReads);
        return new GrpcRead<T>(null, IsGone: true);
    }

    // Null when no read may begin, or the peer has reset the stream since the last, which Kestrel tells at once.
    private ValueTask<ReadResult>? Begin(bool throws, CancellationToken cancellation)
    {
        try
        {
            _isWaiting = !throws;
            Interlocked.MemoryBarrier();
            if (_hasNoReads && !throws)
            {
                return null;
            }

#pragma warning disable CA2012 // The caller awaits it; here it only gets a place beside null.
            return pipe.ReadAsync(cancellation);
#pragma warning restore CA2012
        }
        catch (Exception e) when (!throws && e is IOException or OperationCanceledException)
        {
            return null;
        }
    }

    // False when the peer has reset the stream since it was read, which Kestrel tells here.
    private bool TryAdvance(SequencePosition consumed, SequencePosition examined, bool throws)
    {
        try
        {
            pipe.AdvanceTo(consumed, examined);
            return true;
        }
        catch (Exception e) when (!throws && e is IOException or OperationCanceledException)
        {
            return false;
        }
    }

    private async ValueTask ReserveAsync(IGrpcReceiveMemory room, int length)
    {
        if (!await room.ReserveAsync(length).ConfigureAwait(false))
        {
            _failure = new GrpcException(
                GrpcStatusCode.Unavailable,
                $"there is no memory for a message of {length} bytes now; too many large ones are being received");
            throw _failure;
        }

        _reserved = length;
    }

    private bool TryTake<T>(ref ReadOnlySequence<byte> rest, MessageParser<T> parser, bool isLast, out T? message, out uint length)
        where T : class, IMessage<T>
    {
        message = null;
        switch (GrpcMessageScanner.TryRead(ref rest, maxLength, out var bytes, out length))
        {
            case GrpcScanStatus.Message:
                message = Parse(parser, bytes);
                return true;
            case GrpcScanStatus.NeedMore when isLast && !rest.IsEmpty:
                throw new GrpcException(
                    GrpcStatusCode.Internal,
                    $"the stream ended inside a message: {rest.Length} bytes came, " +
                    $"{(length == 0 ? "a prefix is 5" : $"prefix and message are {length + GrpcMessageFormat.PrefixSize}")}");
            case GrpcScanStatus.NeedMore:
                return false;
            case GrpcScanStatus.TooLong:
                throw new GrpcException(
                    GrpcStatusCode.ResourceExhausted,
                    $"a message of {length} bytes was received; the limit is {maxLength} bytes; send it in smaller pieces");
            case GrpcScanStatus.Compressed when encoding is not (null or GrpcHeaderNames.IdentityEncoding):
                throw new GrpcException(
                    GrpcStatusCode.Unimplemented,
                    "a compressed message was received; only 'identity' is understood; switch compression off");
            case GrpcScanStatus.Compressed:
                throw new GrpcException(GrpcStatusCode.Internal, "a message is marked as compressed, but no compression was agreed on");
            default:
                throw new GrpcException(
                    GrpcStatusCode.Internal,
                    $"a message begins with byte {rest.Slice(0, 1).ToArray()[0]}; 0 or 1 is expected; is the peer speaking gRPC?");
        }
    }

    private static T Parse<T>(MessageParser<T> parser, in ReadOnlySequence<byte> bytes)
        where T : class, IMessage<T>
    {
        if (!WireShape.Of(parser).Fits(bytes))
        {
            throw new GrpcException(
                GrpcStatusCode.Internal,
                $"{bytes.Length} bytes were received that are no {typeof(T).Name}: a field reaches beyond the message it is in");
        }

        try
        {
            return parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException e)
        {
            throw new GrpcException(
                GrpcStatusCode.Internal, $"{bytes.Length} bytes were received that are no {typeof(T).Name}: {e.Message}", e);
        }
    }
}
