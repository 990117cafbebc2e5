using System.Buffers;
using Sidecar.Protocol.Encodings;

namespace Sidecar.Tests.Fuzz;

/// <summary>One entry point for bytes of a peer, with what must hold of it whatever they are.</summary>
/// <param name="Name">Its name in the corpus and on the command line.</param>
/// <param name="Run">
/// Feeds it one input, an array of its own. Returns in a few words what became of it, the same words for the same kind of end; throws when
/// anything happens that must not.
/// </param>
/// <param name="Seeds">Inputs to begin with, beside those of the corpus.</param>
internal sealed record FuzzTarget(string Name, Func<byte[], string> Run, IReadOnlyList<byte[]> Seeds)
{
    /// <summary>What an input may allocate whatever its size, in bytes: tables, errors with their stacks, and the target's own checks.</summary>
    public long FreeBytes { get; init; } = 256 * 1024;

    /// <summary>
    /// What it may allocate besides per byte of its own: enough for a small object and what the checks write, far too little for a claim that is believed.
    /// </summary>
    public long BytesPerByte { get; init; } = 512;

    /// <summary>Makes lengths in a damaged input right again, so that what lies behind them is reached; null where nothing has a length.</summary>
    public Action<byte[]>? Repair { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>A target that reads a message and, if it can, writes and reads it again: the second reading must see what the first did.</summary>
    /// <param name="name">The target's name.</param>
    /// <param name="seeds">Inputs to begin with.</param>
    /// <param name="read">Reads; bad bytes are a <see cref="ProtocolException"/>.</param>
    /// <param name="write">Writes what was read.</param>
    /// <param name="settles">Whether it may take one more time.</param>
    public static FuzzTarget OfMessage<T>(string name, IEnumerable<byte[]> seeds, Func<ReadOnlyMemory<byte>, T> read,
        Action<IBufferWriter<byte>, T> write, bool settles = false)
        where T : notnull =>
        new(name, input => TryRead(read, input, out var message) ?? RoundTrip(read, write, message!, settles), [.. seeds]);

    /// <summary>Reads a message; null when it is one, else what is wrong with it.</summary>
    public static string? TryRead<T>(Func<ReadOnlyMemory<byte>, T> read, byte[] input, out T? message)
    {
        try
        {
            message = read(input);
            return null;
        }
        catch (ProtocolException e)
        {
            message = default;
            return Refused(e.Message);
        }
    }

    /// <summary>Checks that what was read survives being written and read again.</summary>
    /// <param name="read">Reads.</param>
    /// <param name="write">Writes.</param>
    /// <param name="message">What was read.</param>
    /// <param name="settles">Whether it may take one more time: 6E5 of a free JSON value is a float at first, and a whole number from then on.</param>
    /// <returns>What it is.</returns>
    public static string RoundTrip<T>(
        Func<ReadOnlyMemory<byte>, T> read, Action<IBufferWriter<byte>, T> write, T message, bool settles = false)
        where T : notnull
    {
        var once = Written(write, message);
        var error = TryRead(read, once, out var again);
        Require(error is null, $"what was read and written cannot be read again: {error}");
        if (settles)
        {
            return RoundTrip(read, write, again!);
        }

        Require(Written(write, again!).AsSpan().SequenceEqual(once), "what was read, written and read again is something else");
        return message.GetType().Name;
    }

    /// <summary>The bytes that a message is written as.</summary>
    public static byte[] Written<T>(Action<IBufferWriter<byte>, T> write, T message)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output, message);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A demand on what an entry point did.</summary>
    /// <exception cref="FuzzException">It is not met.</exception>
    public static void Require(bool holds, string demand)
    {
        if (!holds)
        {
            throw new FuzzException(demand);
        }
    }

    /// <summary>The first plain words of an error, without what it echoes of the input, so that errors of one kind are the same.</summary>
    public static string Refused(string error)
    {
        Require(error.Length > 0, "an error says nothing");
        var words = error.Split(' ', 24).Where(static word => word.Length is > 1 and < 20
            && word.All(static c => char.IsAsciiLetter(c) || c is '_' or ',' or ';' or '.'));
        return "refused: " + string.Join(' ', words.Take(10));
    }
}

/// <summary>An entry point did what it must not do.</summary>
internal sealed class FuzzException(string message) : Exception(message);
