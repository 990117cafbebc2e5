using NUnit.Framework;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>When a body is whole, and when nobody can know.</summary>
internal sealed class SpopBodiesTests
{
    [TestCase(null, null, 0, 0, true, null, TestName = "nothing")]
    [TestCase("0", null, 0, 0, true, null, TestName = "declared empty")]
    [TestCase("5", null, 5, 0, true, BodyEnd.Last, TestName = "whole")]
    [TestCase("6", null, 5, 0, false, BodyEnd.Truncated, TestName = "less than declared")]
    [TestCase("6", null, 5, 0, true, BodyEnd.Truncated, TestName = "less than declared, whatever HAProxy says")]
    [TestCase("5", null, 5, 0, false, BodyEnd.Truncated, TestName = "declared and there, trailers may follow")]
    [TestCase("5", null, 5, 2, true, BodyEnd.Truncated, TestName = "HAProxy holds more")]
    [TestCase("15200", null, 15_200, 0, true, BodyEnd.Last, TestName = "declared and there, buffer full")]
    [TestCase(null, "chunked", 5, 1, true, BodyEnd.Last, TestName = "chunked, whole")]
    [TestCase(null, "chunked", 5, 0, false, BodyEnd.Truncated, TestName = "chunked, no end, room left")]
    [TestCase(null, "chunked", 15_000, 1, true, BodyEnd.Last, TestName = "chunked, whole, buffer full")]
    [TestCase(null, "chunked", 15_000, 0, false, BodyEnd.Truncated, TestName = "chunked, no end, buffer full")]
    [TestCase(null, "chunked", 0, 1, true, BodyEnd.Last, TestName = "chunked and empty")]
    [TestCase(null, "chunked", 0, 0, false, BodyEnd.Truncated, TestName = "chunked, nothing there")]
    [TestCase(null, "chunked", 5, 2, true, BodyEnd.Truncated, TestName = "chunked, the shortest trailer")]
    [TestCase("5", "chunked", 5, 1, true, BodyEnd.Last, TestName = "a length beside chunks says nothing, whole")]
    [TestCase("9", "chunked", 5, 1, true, BodyEnd.Last, TestName = "a longer length beside chunks says nothing, whole")]
    [TestCase("5", "chunked", 5, 0, false, BodyEnd.Truncated, TestName = "a length beside chunks says nothing, no end")]
    [TestCase(null, null, 5, 0, true, BodyEnd.Last, TestName = "no framing, whole")]
    [TestCase(null, null, 5, 0, false, BodyEnd.Truncated, TestName = "no framing, no end")]
    [TestCase(null, null, 0, 0, false, BodyEnd.Truncated, TestName = "no framing, nothing there")]
    [TestCase(null, null, 0, 9, true, BodyEnd.Truncated, TestName = "no framing, HAProxy holds what it does not show")]
    public void Request(string? length, string? encoding, int there, int more, bool isWhole, object? end)
    {
        var facts = Facts(length, encoding, there);
        (facts.IsWhole, facts.Held) = (isWhole, 21 + "GET/HTTP/1.1".Length + facts.HeaderBytes + there + more);

        Assert.That(SpopBodies.OfRequest(facts)?.End, Is.EqualTo(end));
    }

    [Test]
    public void Request_WithoutTheBody_IsCutUnlessThereIsNone()
    {
        var with = new NotifyArguments { Method = "GET", RawTarget = "/", Version = "1.1", IsWhole = true, Held = 43 };
        var without = new NotifyArguments { Method = "GET", RawTarget = "/", Version = "1.1", IsWhole = true, Held = 33 };

        Assert.That(SpopBodies.OfRequest(with)?.End, Is.EqualTo(BodyEnd.Truncated));
        Assert.That(SpopBodies.OfRequest(without), Is.Null);
    }

    [Test]
    public void Request_TunnelOfHttp2_HasNoBody()
    {
        var facts = Facts(null, null, 3);
        (facts.Version, facts.IsWhole, facts.Held) = ("2.0", true, 43);
        facts.Headers.Add("upgrade", "websocket");

        Assert.That(SpopBodies.OfRequest(facts), Is.Null);
    }

    [TestCase("5", 5, 200, "GET", false, BodyEnd.Last)]
    [TestCase("6", 5, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase(null, 5, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase(null, 0, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase(null, 5, 200, "GET", true, BodyEnd.Last)]
    [TestCase(null, 15_000, 200, "GET", true, BodyEnd.Last)]
    [TestCase(null, 15_000, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase("0", 0, 200, "GET", false, null)]
    [TestCase("5", 0, 200, "HEAD", false, null)]
    [TestCase("5", 0, 304, "GET", false, null)]
    [TestCase(null, 0, 204, "GET", false, null)]
    [TestCase(null, 0, 101, "GET", false, null)]
    public void Response(string? length, int there, int status, string method, bool isWhole, object? end)
    {
        var facts = Facts(length, null, there);
        (facts.Status, facts.IsWhole) = (status, isWhole);

        Assert.That(SpopBodies.OfResponse(facts, method)?.End, Is.EqualTo(end));
    }

    private static NotifyArguments Facts(string? length, string? encoding, int there)
    {
        var facts = new NotifyArguments { Method = "GET", RawTarget = "/", Version = "1.1", Body = new byte[there] };
        foreach (var (name, value) in (ReadOnlySpan<(string, string?)>)[("content-length", length), ("transfer-encoding", encoding)])
        {
            if (value is not null)
            {
                facts.Headers.Add(name, value);
                facts.HeaderCount++;
                facts.HeaderBytes += name.Length + value.Length;
            }
        }

        return facts;
    }
}
