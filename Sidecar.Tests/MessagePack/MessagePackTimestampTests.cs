using NUnit.Framework;
using Sidecar.Protocol.MessagePack;

namespace Sidecar.Tests.MessagePack;

[TestFixture]
internal sealed class MessagePackTimestampTests
{
    private static readonly DateTimeOffset[] Instants =
    [
        DateTimeOffset.MinValue,
        DateTimeOffset.MaxValue,
        DateTimeOffset.UnixEpoch,
        DateTimeOffset.UnixEpoch.AddTicks(-1),
        DateTimeOffset.UnixEpoch.AddTicks(1),
        new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.FromHours(2)),
    ];

    [TestCaseSource(nameof(Instants))]
    public void Instant_ThereAndBack_IsTheSame(DateTimeOffset instant)
    {
        var timestamp = MessagePackTimestamp.FromDateTimeOffset(instant);

        byte[] written = MessagePackBytes.Write((ref MessagePackWriter w) => w.WriteTimestamp(timestamp));
        MessagePackTimestamp read = new MessagePackReader(written).ReadTimestamp();

        Assert.That(read.TryToDateTimeOffset(out DateTimeOffset back), Is.True);
        Assert.That(back, Is.EqualTo(instant));
    }

    [TestCase(-62135596801L, 999_999_999u)]
    [TestCase(253402300800L, 0u)]
    [TestCase(long.MinValue, 0u)]
    [TestCase(long.MaxValue, 999_999_999u)]
    public void Seconds_OutsideTheYears1To9999_AreReadButHaveNoDate(long seconds, uint nanoseconds)
    {
        var timestamp = new MessagePackTimestamp(seconds, nanoseconds);

        byte[] written = MessagePackBytes.Write((ref MessagePackWriter w) => w.WriteTimestamp(timestamp));
        MessagePackTimestamp read = new MessagePackReader(written).ReadTimestamp();

        Assert.That(read, Is.EqualTo(timestamp));
        Assert.That(read.TryToDateTimeOffset(out _), Is.False);
    }

    [Test]
    public void BeforeTheEpoch_NanosecondsCountForward()
    {
        var timestamp = MessagePackTimestamp.FromDateTimeOffset(DateTimeOffset.UnixEpoch.AddTicks(-1));

        Assert.That(timestamp, Is.EqualTo(new MessagePackTimestamp(-1, 999_999_900)));
    }

    [Test]
    public void Constructed_WithASecondOfNanoseconds_IsTheCallersError() =>
        Assert.That(() => new MessagePackTimestamp(0, 1_000_000_000), Throws.TypeOf<ArgumentOutOfRangeException>());

    [TestCase("D7FFEE6B280000000000", TestName = "Timestamp64_WithASecondOfNanoseconds_IsMalformed")]
    [TestCase("C70CFF3B9ACA000000000000000000", TestName = "Timestamp96_WithASecondOfNanoseconds_IsMalformed")]
    [TestCase("C70CFFFFFFFFFF0000000000000000", TestName = "Timestamp96_WithAllNanosecondBits_IsMalformed")]
    [TestCase("C700FF", TestName = "Timestamp_OfNoBytes_IsMalformed")]
    [TestCase("D4FF00", TestName = "Timestamp_OfOneByte_IsMalformed")]
    [TestCase("C705FF0000000000", TestName = "Timestamp_OfFiveBytes_IsMalformed")]
    [TestCase("D8FF00000000000000000000000000000000", TestName = "Timestamp_OfSixteenBytes_IsMalformed")]
    public void Timestamp_Malformed_IsRefusedButCanBeSkipped(string hex)
    {
        byte[] message = Convert.FromHexString(hex);

        MessagePackFormatException error = MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.ReadTimestamp());

        Assert.That(error.Message, Does.Contain("Malformed timestamp").And.Contain("999999999"));
        Assert.That(MessagePackPrimitives.TryReadTimestamp(message, out _, out int size), Is.EqualTo(MessagePackOutcome.Invalid));
        Assert.That(size, Is.Zero);
        Assert.That(MessagePackBytes.Read(message, (ref MessagePackReader r) => r.Skip()), Is.EqualTo(message.Length));
    }

    [Test]
    public void Extension_OfAnotherType_IsNoTimestampAndNamed()
    {
        byte[] message = [0xD6, 0x05, 0, 0, 0, 0];

        MessagePackFormatException error = MessagePackBytes.ReadError(message, (ref MessagePackReader r) => r.ReadTimestamp());

        Assert.That(error.Message, Does.Contain("found ext of type 5"));
    }

    [TestCase("C704FF00000001")]
    [TestCase("C80004FF00000001")]
    [TestCase("C900000004FF00000001")]
    public void Timestamp32_BehindALongerHeader_IsReadToo(string hex) =>
        Assert.That(new MessagePackReader(Convert.FromHexString(hex)).ReadTimestamp(), Is.EqualTo(new MessagePackTimestamp(1, 0)));
}
