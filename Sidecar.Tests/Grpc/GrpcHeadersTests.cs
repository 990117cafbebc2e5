using NUnit.Framework;
using Sidecar.Protocol.Grpc;

namespace Sidecar.Tests.Grpc;

/// <summary>Status, message and timeout as header fields.</summary>
public sealed class GrpcHeadersTests
{
    [TestCase("", "")]
    [TestCase("plain ~ text!", "plain ~ text!")]
    [TestCase("100%", "100%25")]
    [TestCase("line\r\nbreak", "line%0D%0Abreak")]
    [TestCase("grün", "gr%C3%BCn")]
    [TestCase("\u007f\0", "%7F%00")]
    public void Message_IsPercentEncoded(string message, string encoded)
    {
        Assert.That(GrpcStatusText.Encode(message), Is.EqualTo(encoded));
        Assert.That(GrpcStatusText.Decode(encoded), Is.EqualTo(message));
    }

    [TestCase("%", "%")]
    [TestCase("%2", "%2")]
    [TestCase("%zz%25", "%zz%")]
    [TestCase("a%20b", "a b")]
    [TestCase("%e4", "\uFFFD")]
    [TestCase("ü%41", "üA")]
    public void BrokenEscape_StaysAsItIs(string encoded, string message) => Assert.That(GrpcStatusText.Decode(encoded), Is.EqualTo(message));

    [Test]
    public void LongMessage_IsCut() => Assert.That(GrpcStatusText.Encode(new string('x', 5000)), Has.Length.EqualTo(GrpcStatusText.MaxMessageLength));

    [FsCheck.NUnit.Property]
    public bool AnyMessage_TravelsAsPrintableAscii(string? message)
    {
        var text = string.Concat((message ?? "").Where(c => !char.IsSurrogate(c)));
        var encoded = GrpcStatusText.Encode(text);
        return encoded.All(c => c is >= ' ' and <= '~') && GrpcStatusText.Decode(encoded) == text;
    }

    [TestCase("0", GrpcStatusCode.Ok)]
    [TestCase("16", GrpcStatusCode.Unauthenticated)]
    [TestCase("17", GrpcStatusCode.Unknown)]
    [TestCase("-1", GrpcStatusCode.Unknown)]
    [TestCase("", GrpcStatusCode.Unknown)]
    [TestCase(null, GrpcStatusCode.Unknown)]
    [TestCase("0 ", GrpcStatusCode.Unknown)]
    [TestCase("99999999999", GrpcStatusCode.Unknown)]
    public void Code_IsReadLeniently(string? text, GrpcStatusCode code) => Assert.That(GrpcStatusText.Parse(text), Is.EqualTo(code));

    [Test]
    public void EveryCode_RoundTrips() =>
        Assert.That(
            Enum.GetValues<GrpcStatusCode>().Select(code => GrpcStatusText.Parse(GrpcStatusText.Format(code))), Is.EqualTo(Enum.GetValues<GrpcStatusCode>()));

    [TestCase("1H", 36_000_000_000)]
    [TestCase("2M", 1_200_000_000)]
    [TestCase("3S", 30_000_000)]
    [TestCase("200m", 2_000_000)]
    [TestCase("5u", 50)]
    [TestCase("1n", 1)]
    [TestCase("100n", 1)]
    [TestCase("101n", 2)]
    [TestCase("0S", 0)]
    [TestCase("00000001S", 10_000_000)]
    [TestCase("99999999H", 99_999_999 * 36_000_000_000)]
    public void Timeout_IsRead(string text, long ticks)
    {
        Assert.That(GrpcTimeout.TryParse(text, out var timeout), Is.True);
        Assert.That(timeout.Ticks, Is.EqualTo(ticks));
    }

    [TestCase("")]
    [TestCase("S")]
    [TestCase("1")]
    [TestCase("1s")]
    [TestCase("-1S")]
    [TestCase("+1S")]
    [TestCase(" 1S")]
    [TestCase("1 S")]
    [TestCase("1.5S")]
    [TestCase("100000000S")]
    [TestCase("1SS")]
    public void BadTimeout_IsRefused(string text) => Assert.That(GrpcTimeout.TryParse(text, out _), Is.False);

    [TestCase(0, "0n")]
    [TestCase(-5, "0n")]
    [TestCase(1, "100n")]
    [TestCase(999_999, "99999900n")]
    [TestCase(1_000_000, "100000u")]
    [TestCase(1_000_001, "100001u")]
    [TestCase(2_000_000, "200000u")]
    [TestCase(999_999_990, "99999999u")]
    [TestCase(999_999_991, "100000m")]
    [TestCase(10_000_000L * 3600 * 24 * 365, "31536000S")]
    [TestCase(long.MaxValue, "99999999H")]
    public void Timeout_IsWrittenInTheFinestUnitThatFits(long ticks, string text) => Assert.That(GrpcTimeout.Format(new TimeSpan(ticks)), Is.EqualTo(text));

    [FsCheck.NUnit.Property]
    public bool AnyTimeout_IsNeverShortened(long ticks)
    {
        var timeout = new TimeSpan(Math.Abs(ticks % (99_999_999 * TimeSpan.TicksPerHour)));
        var text = GrpcTimeout.Format(timeout);
        return text.Length <= 9 && GrpcTimeout.TryParse(text, out var read) && read >= timeout;
    }

    [TestCase(200, GrpcStatusCode.Unknown)]
    [TestCase(400, GrpcStatusCode.Internal)]
    [TestCase(401, GrpcStatusCode.Unauthenticated)]
    [TestCase(403, GrpcStatusCode.PermissionDenied)]
    [TestCase(404, GrpcStatusCode.Unimplemented)]
    [TestCase(429, GrpcStatusCode.Unavailable)]
    [TestCase(500, GrpcStatusCode.Unknown)]
    [TestCase(503, GrpcStatusCode.Unavailable)]
    public void HttpStatus_MapsAsGrpcSays(int status, GrpcStatusCode code) => Assert.That(GrpcStatusMapping.FromHttpStatus(status), Is.EqualTo(code));

    [TestCase(0x0, GrpcStatusCode.Internal)]
    [TestCase(0x7, GrpcStatusCode.Unavailable)]
    [TestCase(0x8, GrpcStatusCode.Cancelled)]
    [TestCase(0xB, GrpcStatusCode.ResourceExhausted)]
    [TestCase(0xC, GrpcStatusCode.PermissionDenied)]
    [TestCase(0x2, GrpcStatusCode.Internal)]
    [TestCase(0x99, GrpcStatusCode.Unknown)]
    public void Http2Error_MapsAsGrpcSays(long error, GrpcStatusCode code) => Assert.That(GrpcStatusMapping.FromHttp2Error(error), Is.EqualTo(code));

    [TestCase("application/grpc", true)]
    [TestCase("application/grpc+proto", true)]
    [TestCase("Application/gRPC; charset=utf-8", true)]
    [TestCase("application/grpc+proto;a=b", true)]
    [TestCase("application/grpc+json", false)]
    [TestCase("application/grpc-web", false)]
    [TestCase("text/html", false)]
    [TestCase(null, false)]
    public void ContentType_IsGrpcWithProtobuf(string? contentType, bool expected) => Assert.That(GrpcHeaderNames.IsGrpc(contentType), Is.EqualTo(expected));
}
