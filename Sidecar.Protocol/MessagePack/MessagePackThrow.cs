using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Sidecar.Protocol.MessagePack;

/// <summary>Words the reader's errors away from its hot path: each looks at the offending token again to say what is there.</summary>
internal static class MessagePackThrow
{
    /// <summary>A read that did not succeed.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Read(MessagePackOutcome outcome, string expected, ReadOnlySpan<byte> source, int position)
    {
        if (position >= source.Length)
        {
            Ended(expected, source, position);
        }

        byte code = source[position];
        switch (outcome)
        {
            case MessagePackOutcome.Insufficient:
                Truncated(source, position);
                break;
            case MessagePackOutcome.Invalid when code != MessagePackCode.NeverUsed:
                Throw(
                    $"Malformed timestamp: it must have 4, 8 or 12 bytes and at most {MessagePackTimestamp.MaxNanoseconds} nanoseconds",
                    source,
                    position);
                break;
            default:
                Throw($"Expected {expected}, found {Describe(source[position..])}", source, position);
                break;
        }
    }

    /// <summary>A number that could not be read, or does not fit a type's range.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Number<T>(MessagePackOutcome outcome, T minimum, T maximum, ReadOnlySpan<byte> source, int position)
        where T : struct
    {
        string range = string.Create(CultureInfo.InvariantCulture, $"a number of {minimum} to {maximum}");
        if (outcome == MessagePackOutcome.Overflow)
        {
            Throw($"Expected {range}, the value is {SeenNumber(source[position..])}", source, position);
        }

        Read(outcome, range, source, position);
    }

    /// <summary>The message ended where a token was to begin.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Ended(string expected, ReadOnlySpan<byte> source, int position) =>
        throw new MessagePackFormatException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Expected {expected} at offset {position}, but the message ends after {source.Length} bytes."),
            position,
            code: null);

    /// <summary>A container whose header claims more values than the bytes left can hold.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Claim(ReadOnlySpan<byte> source, int position)
    {
        _ = MessagePackPrimitives.TryReadToken(source[position..], out MessagePackToken token);
        string claim = token.Kind == MessagePackKind.Map ? "A map claims" : "An array claims";
        string unit = token.Kind == MessagePackKind.Map ? "pairs" : "elements";
        int left = source.Length - position - token.HeaderSize;
        Throw($"{claim} {token.Length} {unit}, which take at least {token.Children} bytes; {left} are left", source, position);
    }

    /// <summary>One container more than the limit on nesting; the offset is where its elements would begin.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void TooDeep(int limit, ReadOnlySpan<byte> source, int position) =>
        throw new MessagePackFormatException(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Containers nest deeper than the limit of {limit} (elements of one more begin at offset {position} of {source.Length} bytes)."),
            position,
            position < source.Length ? source[position] : null);

    /// <summary>A str that is not text.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void NotUtf8(ReadOnlySpan<byte> utf8, ReadOnlySpan<byte> source, int position) =>
        Throw($"A str of {utf8.Length} bytes is not valid UTF-8", source, position);

    /// <summary>A caller that left more containers than it entered.</summary>
    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void NotEntered() =>
        throw new InvalidOperationException("LeaveContainer was called with no container open; pair it with EnterContainer.");

    [DoesNotReturn]
    private static void Truncated(ReadOnlySpan<byte> source, int position)
    {
        ReadOnlySpan<byte> rest = source[position..];
        long needed = MessagePackPrimitives.TryReadToken(rest, out MessagePackToken token) == MessagePackOutcome.Success
            ? token.Size
            : MessagePackPrimitives.HeaderSize(rest[0]);
        string name = Name(MessagePackCode.ToKind(rest[0]));
        Throw($"Truncated {name}: it takes at least {needed} bytes; {rest.Length} are left", source, position);
    }

    [DoesNotReturn]
    private static void Throw(FormattableString what, ReadOnlySpan<byte> source, int position)
    {
        byte code = source[position];
        string where = string.Create(CultureInfo.InvariantCulture, $"code 0x{code:X2} at offset {position} of {source.Length} bytes");
        throw new MessagePackFormatException($"{what.ToString(CultureInfo.InvariantCulture)} ({where}).", position, code);
    }

    private static string Describe(ReadOnlySpan<byte> token) =>
        MessagePackPrimitives.TryReadExtension(token, out sbyte typeCode, out _, out _) == MessagePackOutcome.Success
            ? string.Create(CultureInfo.InvariantCulture, $"ext of type {typeCode}")
            : Name(MessagePackCode.ToKind(token[0]));

    private static string SeenNumber(ReadOnlySpan<byte> token)
    {
        if (MessagePackPrimitives.TryReadInteger(token, out long signed, out _) == MessagePackOutcome.Success)
        {
            return signed.ToString(CultureInfo.InvariantCulture);
        }

        if (MessagePackPrimitives.TryReadInteger(token, out ulong unsigned, out _) == MessagePackOutcome.Success)
        {
            return unsigned.ToString(CultureInfo.InvariantCulture);
        }

        _ = MessagePackPrimitives.TryReadDouble(token, out double value, out _);
        return value.ToString(CultureInfo.InvariantCulture);
    }

    private static string Name(MessagePackKind kind) => kind switch
    {
        MessagePackKind.Nil => "nil",
        MessagePackKind.Boolean => "boolean",
        MessagePackKind.Integer => "integer",
        MessagePackKind.Float => "float",
        MessagePackKind.String => "str",
        MessagePackKind.Binary => "bin",
        MessagePackKind.Array => "array",
        MessagePackKind.Map => "map",
        MessagePackKind.Extension => "ext",
        _ => "a code that MessagePack never uses",
    };
}
