using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

/// <summary>What holds for all values and for all bytes.</summary>
[TestFixture]
internal sealed class MessagePackProperties
{
    private static readonly MessagePackBytes.ReadValue[] Reads =
    [
        (ref MessagePackReader r) => r.Skip(),
        (ref MessagePackReader r) => MessagePackNode.Read(ref r),
        (ref MessagePackReader r) => r.ReadNil(),
        (ref MessagePackReader r) => r.ReadBoolean(),
        (ref MessagePackReader r) => r.ReadByte(),
        (ref MessagePackReader r) => r.ReadSByte(),
        (ref MessagePackReader r) => r.ReadInt16(),
        (ref MessagePackReader r) => r.ReadUInt32(),
        (ref MessagePackReader r) => r.ReadInt64(),
        (ref MessagePackReader r) => r.ReadUInt64(),
        (ref MessagePackReader r) => r.ReadSingle(),
        (ref MessagePackReader r) => r.ReadDouble(),
        (ref MessagePackReader r) => r.ReadString(),
        (ref MessagePackReader r) => r.ReadStringOrBinarySpan(),
        (ref MessagePackReader r) => r.ReadBinary(),
        (ref MessagePackReader r) => r.ReadExtension(out _),
        (ref MessagePackReader r) => r.ReadTimestamp(),
        (ref MessagePackReader r) => r.ReadArrayHeader(),
        (ref MessagePackReader r) => r.ReadMapHeader(),
    ];

    [FsCheck.NUnit.Property(Arbitrary = [typeof(MessagePackGenerators)], MaxTest = 300, QuietOnSuccess = true)]
    public void AnyValue_WrittenAndRead_IsTheSame(MessagePackNode value)
    {
        byte[] message = MessagePackBytes.Write((ref MessagePackWriter writer) => value.Write(ref writer));
        var reader = new MessagePackReader(message);

        Assert.That(MessagePackNode.Read(ref reader).ToString(), Is.EqualTo(value.ToString()));
        Assert.That(reader.End, Is.True);
        Assert.That(MessagePackBytes.Read(message, (ref MessagePackReader r) => r.Skip()), Is.EqualTo(message.Length));
    }

    [FsCheck.NUnit.Property(Arbitrary = [typeof(MessagePackGenerators)], MaxTest = 1000, QuietOnSuccess = true)]
    public void AnyBytes_Read_ThrowNothingButTheFormatError(byte[] message)
    {
        foreach (MessagePackBytes.ReadValue read in Reads)
        {
            try
            {
                Assert.That(MessagePackBytes.Read(message, read), Is.InRange(1, message.Length));
            }
            catch (MessagePackFormatException error)
            {
                Assert.That(error.Offset, Is.InRange(0, message.Length));
                Assert.That(error.Code, Is.EqualTo(error.Offset < message.Length ? message[error.Offset] : null));
            }
        }
    }

    [FsCheck.NUnit.Property(Arbitrary = [typeof(MessagePackGenerators)], MaxTest = 1000, QuietOnSuccess = true)]
    public void AnyBytes_SkippedAndRead_AreJudgedAlike(byte[] message)
    {
        (int? skipped, MessagePackFormatException? skipError) = Try(message, (ref MessagePackReader r) => r.Skip());
        (int? read, MessagePackFormatException? readError) = Try(message, (ref MessagePackReader r) => MessagePackNode.Read(ref r));

        if (readError?.Message.Contains("not valid UTF-8", StringComparison.Ordinal) == true)
        {
            return; // Text is judged only by those who read it.
        }

        Assert.That(read, Is.EqualTo(skipped));
        Assert.That(readError?.Offset, Is.EqualTo(skipError?.Offset));
    }

    [FsCheck.NUnit.Property(Arbitrary = [typeof(MessagePackGenerators)], MaxTest = 1000, QuietOnSuccess = true)]
    public void AnyBytes_Primitives_NeverThrowAndStayWithinTheBytes(byte[] message)
    {
        for (int start = 0; start <= message.Length; start++)
        {
            ReadOnlySpan<byte> rest = message.AsSpan(start);
            AssertSize(MessagePackPrimitives.TryReadNil(rest, out int size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadBoolean(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadInteger(rest, out short _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadInteger(rest, out ulong _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadSingle(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadDouble(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadString(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadBinary(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadExtension(rest, out _, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadTimestamp(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadArrayHeader(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadMapHeader(rest, out _, out size), size, rest);
            AssertSize(MessagePackPrimitives.TryReadToken(rest, out MessagePackToken token), token.HeaderSize, rest);
        }
    }

    private static (int? Position, MessagePackFormatException? Error) Try(byte[] message, MessagePackBytes.ReadValue read)
    {
        try
        {
            return (MessagePackBytes.Read(message, read), null);
        }
        catch (MessagePackFormatException error)
        {
            return (null, error);
        }
    }

    private static void AssertSize(MessagePackOutcome outcome, int size, ReadOnlySpan<byte> rest) =>
        Assert.That(size, outcome == MessagePackOutcome.Success ? Is.InRange(1, rest.Length) : Is.Zero);
}
