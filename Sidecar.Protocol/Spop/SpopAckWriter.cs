namespace Sidecar.Protocol.Spop;

/// <summary>
/// Builds ACK frames, one after the other, in a pooled buffer: the variables that answer a NOTIFY (proxy integration §1.6). A frame is
/// never longer than agreed and never without an action, because HAProxy can survive neither.
/// </summary>
/// <remarks>
/// <see cref="Begin"/>, then actions, then <see cref="Finish"/>; nothing is allocated once the buffer has grown. Not safe for use by
/// several threads. Dispose gives the buffer back.
/// </remarks>
public sealed class SpopAckWriter : IDisposable
{
    private const byte SetVariable = 1;
    private const byte SetArguments = 3;
    private const byte UnsetVariable = 2;
    private const byte UnsetArguments = 2;

    // The action, its number of arguments and the scope.
    private const int ActionHeader = 3;
    private const int FirstCapacity = 1024;

    private readonly int _frameEnd;
    private readonly int _prefixLength;
    private byte[] _buffer = [];
    private int _written;
    private int _actions;

    /// <summary>A writer for one connection.</summary>
    /// <param name="maxFrameSize">The size agreed on, <see cref="SpopTerms.MaxFrameSize"/>.</param>
    /// <param name="prefixLength">The bytes of HAProxy's <c>option var-prefix</c>, from 1 up, which count against the name limit.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size outside the protocol's limits.</exception>
    public SpopAckWriter(int maxFrameSize, int prefixLength)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxFrameSize, SpopLimits.MinFrameSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxFrameSize, SpopLimits.MaxFrameSize);
        ArgumentOutOfRangeException.ThrowIfLessThan(prefixLength, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefixLength, SpopLimits.MaxVariableName);
        _frameEnd = SpopLimits.LengthSize + maxFrameSize;
        _prefixLength = prefixLength;
    }

    /// <summary>The bytes that still fit into the frame. 0 before <see cref="Begin"/>.</summary>
    public int Free => _written == 0 ? 0 : _frameEnd - _written;

    /// <summary>The bytes that <see cref="TrySet"/> takes, so that a caller can reserve them.</summary>
    public static int SizeOfSet(scoped ReadOnlySpan<byte> name, scoped SpopValue value) => SizeOfUnset(name) + value.EncodedSize;

    /// <summary>The bytes that <see cref="TryUnset"/> takes.</summary>
    public static int SizeOfUnset(scoped ReadOnlySpan<byte> name) =>
        ActionHeader + SpopVarint.SizeOf((ulong)name.Length) + name.Length;

    /// <summary>
    /// The most bytes that a string or binary may have to fit into the frame as the value of a variable: what to cut a page to.
    /// </summary>
    /// <param name="name">The variable.</param>
    /// <param name="reserved">The bytes to leave for other actions.</param>
    /// <returns>Less than 0 if not even an empty one fits.</returns>
    public int MaxBytes(scoped ReadOnlySpan<byte> name, int reserved)
    {
        var room = Free - reserved - SizeOfUnset(name) - 1;
        // The length in front shrinks or stays as the bytes become fewer, so the first that fits is the most.
        var most = room - SpopVarint.SizeOf((ulong)Math.Max(0, room));
        return most + 1 + SpopVarint.SizeOf((ulong)Math.Max(0, most + 1)) <= room ? most + 1 : most;
    }

    /// <summary>Starts the answer to a NOTIFY; what was begun and not finished is dropped.</summary>
    /// <param name="streamId">The stream id of the NOTIFY.</param>
    /// <param name="frameId">The frame id of the NOTIFY.</param>
    public void Begin(ulong streamId, ulong frameId)
    {
        _written = 0;
        _actions = 0;
        Grow(FirstCapacity);
        var writer = new SpopWriter(_buffer);
        writer.WriteFrameStart(SpopFrameType.Ack, streamId, frameId);
        _written = writer.Written;
    }

    /// <summary>Sets a variable; NULL unsets it.</summary>
    /// <returns>False if the frame has no room for it; then nothing was written.</returns>
    /// <exception cref="ArgumentException">The name is not one HAProxy takes (<see cref="SpopVariables"/>).</exception>
    public bool TrySet(SpopScope scope, scoped ReadOnlySpan<byte> name, scoped SpopValue value)
    {
        // In 64 bits: the value is the caller's and may be of any size.
        if (!TryMakeRoom(scope, name, (long)SizeOfUnset(name) + ValueSize(value)))
        {
            return false;
        }

        var writer = new SpopWriter(_buffer.AsSpan(_written));
        WriteAction(ref writer, SetVariable, SetArguments, scope, name);
        writer.WriteValue(value);
        Advance(writer.Written);
        return true;
    }

    /// <summary>Removes a variable.</summary>
    /// <returns>False if the frame has no room for it; then nothing was written.</returns>
    /// <exception cref="ArgumentException">The name is not one HAProxy takes (<see cref="SpopVariables"/>).</exception>
    public bool TryUnset(SpopScope scope, scoped ReadOnlySpan<byte> name)
    {
        if (!TryMakeRoom(scope, name, SizeOfUnset(name)))
        {
            return false;
        }

        var writer = new SpopWriter(_buffer.AsSpan(_written));
        WriteAction(ref writer, UnsetVariable, UnsetArguments, scope, name);
        Advance(writer.Written);
        return true;
    }

    /// <summary>Ends the frame.</summary>
    /// <returns>The whole frame, valid until the next <see cref="Begin"/> or <see cref="Dispose"/>.</returns>
    /// <exception cref="InvalidOperationException">It has no action: HAProxy 3.1 would wait for one until its timeout.</exception>
    public ReadOnlyMemory<byte> Finish()
    {
        if (_actions == 0)
        {
            throw new InvalidOperationException("An ACK without an action makes HAProxy 3.1 wait for its timeout. Set a variable.");
        }

        SpopWriter.WriteLength(_buffer, _written);
        var frame = _buffer.AsMemory(0, _written);
        _written = 0;
        _actions = 0;
        return frame;
    }

    /// <summary>Gives the buffer back. Frames handed out are no longer valid.</summary>
    public void Dispose()
    {
        _written = 0;
        _actions = 0;
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }
    }

    private static void WriteAction(
        ref SpopWriter writer, byte action, byte arguments, SpopScope scope, scoped ReadOnlySpan<byte> name)
    {
        writer.WriteByte(action);
        writer.WriteByte(arguments);
        writer.WriteByte((byte)scope);
        writer.WriteString(name);
    }

    private static long ValueSize(scoped SpopValue value) =>
        value.IsBytes ? 1L + SpopVarint.SizeOf((ulong)value.Bytes.Length) + value.Bytes.Length : value.EncodedSize;

    private bool TryMakeRoom(SpopScope scope, scoped ReadOnlySpan<byte> name, long size)
    {
        if (_written == 0)
        {
            throw new InvalidOperationException("No ACK is begun. Call Begin first.");
        }

        SpopVariables.Check(scope, name, _prefixLength);
        if (size > Free)
        {
            return false;
        }

        Grow(_written + (int)size);
        return true;
    }

    private void Advance(int count)
    {
        _written += count;
        _actions++;
    }

    private void Grow(int needed)
    {
        if (_buffer.Length >= needed)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(needed, Math.Min(2 * _buffer.Length, _frameEnd)));
        _buffer.AsSpan(0, _written).CopyTo(larger);
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }

        _buffer = larger;
    }
}
