using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.AuthRequest;
using Sidecar.Daemon.Inspection.Verdicts;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.FrontEnds.AuthRequest;

[TestFixture]
internal sealed class ReplyTokensTests
{
    private static readonly byte[] Key = RandomNumberGenerator.GetBytes(ReplyKeyFile.KeyLength);

    private static readonly Reply Teapot = new(
        418, [new("content-type", "text/plain"), new("set-cookie", "a=1"), new("set-cookie", "b=2"), new("x", "grüße")], Encoding.UTF8.GetBytes(
            "short and stout ☕"));

    private readonly FakeTimeProvider _time = new();

    [Test]
    public void Read_TokenOfAReply_GivesThatReply()
    {
        var tokens = new ReplyTokens(Key, _time);

        var state = tokens.Read(tokens.Issue(Teapot), out var reply);

        Assert.That(state, Is.EqualTo(ReplyTokenState.Valid));
        AssertSame(reply, Teapot);
    }

    [FsCheck.NUnit.Property]
    public void Read_AnyReply_RoundTrips(ushort status, FsCheck.NonNull<string>[] headers, byte[] body)
    {
        var tokens = new ReplyTokens(Key, _time);
        var reply = new Reply(status, [.. headers.Select(static (text, i) => KeyValuePair.Create($"n{i}", Clean(text.Get)))], body ?? []);

        Assert.That(tokens.Read(tokens.Issue(reply), out var read), Is.EqualTo(ReplyTokenState.Valid));
        AssertSame(read, reply);
    }

    [Test]
    public void Read_AnyByteChanged_IsForged()
    {
        var tokens = new ReplyTokens(Key, _time);
        var bytes = Base64Url.DecodeFromChars(tokens.Issue(Teapot));
        for (var i = 0; i < bytes.Length; i++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                bytes[i] ^= (byte)(1 << bit);
                Assert.That(tokens.Read(Base64Url.EncodeToString(bytes), out var reply), Is.EqualTo(ReplyTokenState.Forged), $"byte {i}, bit {bit}");
                Assert.That(reply, Is.Null);
                bytes[i] ^= (byte)(1 << bit);
            }
        }
    }

    [Test]
    public void Read_AnyPrefixOrExtension_IsNotValid()
    {
        var tokens = new ReplyTokens(Key, _time);
        var token = tokens.Issue(Teapot)!;
        for (var length = 0; length < token.Length; length++)
        {
            Assert.That(tokens.Read(token.AsSpan(0, length), out _), Is.Not.EqualTo(ReplyTokenState.Valid), $"length {length}");
        }

        Assert.That(tokens.Read(token + "AAAA", out _), Is.EqualTo(ReplyTokenState.Forged));
    }

    [TestCase("")]
    [TestCase("x")]
    [TestCase("../../healthz")]
    [TestCase("ä")]
    [TestCase("%41%41")]
    public void Read_Garbage_IsMalformed(string token) =>
        Assert.That(new ReplyTokens(Key, _time).Read(token, out _), Is.EqualTo(ReplyTokenState.Malformed));

    [Test]
    public void Read_TooLong_IsMalformed() =>
        Assert.That(new ReplyTokens(Key, _time).Read(new string('A', ReplyTokens.MaxLength + 4), out _), Is.EqualTo(ReplyTokenState.Malformed));

    [TestCase(59, ReplyTokenState.Valid)]
    [TestCase(61, ReplyTokenState.Expired)]
    public void Read_AroundTheEndOfItsLife_IsValidUntilThen(int seconds, object expected)
    {
        var tokens = new ReplyTokens(Key, _time);
        var token = tokens.Issue(Teapot);
        _time.Advance(TimeSpan.FromSeconds(seconds));

        Assert.That(tokens.Read(token, out var reply), Is.EqualTo(expected));
        Assert.That(reply is null, Is.EqualTo(!expected.Equals(ReplyTokenState.Valid)));
    }

    [Test]
    public void Read_OtherKey_IsForged()
    {
        var other = new ReplyTokens(RandomNumberGenerator.GetBytes(ReplyKeyFile.KeyLength), _time);

        Assert.That(other.Read(new ReplyTokens(Key, _time).Issue(Teapot), out _), Is.EqualTo(ReplyTokenState.Forged));
    }

    [Test]
    public void Issue_LongButRepetitiveBody_FitsBecauseItIsDeflated()
    {
        var tokens = new ReplyTokens(Key, _time);
        var reply = Teapot with { Body = new byte[200_000] };

        var token = tokens.Issue(reply);

        Assert.That(token, Has.Length.LessThan(1024));
        Assert.That(tokens.Read(token, out var read), Is.EqualTo(ReplyTokenState.Valid));
        AssertSame(read, reply);
    }

    [Test]
    public void Issue_ReplyThatDoesNotFit_GivesNone()
    {
        var tokens = new ReplyTokens(Key, _time);

        Assert.That(tokens.Issue(Teapot with { Body = RandomNumberGenerator.GetBytes(9_000) }), Has.Length.LessThanOrEqualTo(ReplyTokens.MaxLength));
        Assert.That(tokens.Issue(Teapot with { Body = RandomNumberGenerator.GetBytes(9_300) }), Is.Null);
    }

    private static void AssertSame(Reply? actual, Reply expected)
    {
        Assert.That(actual, Is.Not.Null);
        Assert.That(actual!.Status, Is.EqualTo(expected.Status));
        Assert.That(actual.Headers, Is.EqualTo(expected.Headers));
        Assert.That(actual.Body.ToArray(), Is.EqualTo(expected.Body.ToArray()));
    }

    // Half surrogate pairs are refused long before a reply is rendered.
    private static string Clean(string text) => string.Concat(text.Where(static c => !char.IsSurrogate(c)));
}
