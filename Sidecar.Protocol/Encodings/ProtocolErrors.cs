using System.Globalization;
using MessagePack;

namespace Sidecar.Protocol.Encodings;

/// <summary>Words the errors of decoders.</summary>
internal static class ProtocolErrors
{
    private const int MostCharactersShown = 64;

    /// <summary>A member of another kind than it must be.</summary>
    internal static ProtocolException WrongKind(string member, string expected, ValueKind found) =>
        new($"{Name(member)} must be {expected}, but it is {Describe(found)}");

    /// <summary>A number outside its range.</summary>
    internal static ProtocolException OutOfRange(string member, ulong value, ulong minimum, ulong maximum) =>
        new(string.Create(CultureInfo.InvariantCulture, $"{Name(member)} is {value}; it must be {minimum} to {maximum}"));

    /// <summary>A member that must be there is not.</summary>
    internal static ProtocolException Missing(string message, string member) =>
        new($"{message} has no {member}; the member is required");

    /// <summary>
    /// A member that decides came twice: whoever reads the first and whoever reads the last would see different messages.
    /// </summary>
    internal static ProtocolException Twice(string message, string member) =>
        new($"{message} has more than one {member}; send one");

    /// <summary>A text that is none of the known ones.</summary>
    internal static ProtocolException Unknown(string member, string seen, string known) =>
        new($"{Name(member)} is \"{Short(seen)}\"; known are {known}");

    /// <summary>
    /// Whether an exception says that the bytes were bad: these, and no others, become a <see cref="ProtocolException"/>.
    /// </summary>
    /// <remarks>
    /// System.Text.Json reports invalid UTF-8 and unpaired surrogates in strings as <see cref="InvalidOperationException"/>, and numbers
    /// out of range as <see cref="FormatException"/>. The reader of MessagePack reports an early end as <see cref="EndOfStreamException"/>
    /// and lengths of 2^31 and above as <see cref="ArgumentOutOfRangeException"/>.
    /// </remarks>
    internal static bool IsBadInput(Exception exception) =>
        exception is JsonException or InvalidOperationException or FormatException or OverflowException
            or MessagePackSerializationException or EndOfStreamException or ArgumentOutOfRangeException;

    /// <summary>Bytes that are not the message they should be.</summary>
    internal static ProtocolException Undecodable(string message, Exception reason) =>
        new($"the payload is no {message}: {reason.Message}", reason);

    private static string Name(string member) => member.Length == 0 ? "the payload" : member;

    private static string Short(string text) => text.Length <= MostCharactersShown ? text : $"{text.AsSpan(0, MostCharactersShown)}…";

    private static string Describe(ValueKind kind) => kind switch
    {
        ValueKind.End => "missing",
        ValueKind.Null => "null",
        ValueKind.Boolean => "a boolean",
        ValueKind.Number => "a number",
        ValueKind.String => "a string",
        ValueKind.Binary => "binary",
        ValueKind.Array => "a list",
        ValueKind.Map => "an object",
        _ => "a value that no message has",
    };
}

/// <summary>A peer sent a payload that is not the message it should be. The message names what was wrong and the value seen.</summary>
/// <remarks>It concerns one message, not the connection: the frame around it was whole.</remarks>
public sealed class ProtocolException : Exception
{
    /// <summary>An error with what was wrong.</summary>
    public ProtocolException(string message)
        : base(message)
    {
    }

    /// <summary>An error with what was wrong and why.</summary>
    public ProtocolException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
