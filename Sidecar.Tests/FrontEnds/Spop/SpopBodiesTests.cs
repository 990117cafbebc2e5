using NUnit.Framework;
using Sidecar.Daemon.Agents;
using Sidecar.Daemon.FrontEnds.Spop;
using Sidecar.Daemon.Inspection.Bodies;

namespace Sidecar.Tests.FrontEnds.Spop;

/// <summary>When a body is whole, and when nobody can know.</summary>
internal sealed class SpopBodiesTests
{
    private const int Buffer = 16_384;

    private static readonly ByteBudget Memory = new(1_000_000, TimeProvider.System);

    [TestCase(null, null, 0, 0, null, TestName = "nothing")]
    [TestCase("0", null, 0, 0, null, TestName = "declared empty")]
    [TestCase("5", null, 5, 5, BodyEnd.Last, TestName = "whole")]
    [TestCase("6", null, 5, 5, BodyEnd.Truncated, TestName = "less than declared")]
    [TestCase("5", null, 5, 6, BodyEnd.Truncated, TestName = "HAProxy knows of more")]
    [TestCase("15200", null, 15_200, 15_200, BodyEnd.Last, TestName = "declared and there, buffer full")]
    [TestCase(null, "chunked", 5, 5, BodyEnd.Last, TestName = "chunked, room left")]
    [TestCase(null, "chunked", 5, 6, BodyEnd.Truncated, TestName = "chunked, in the middle of a chunk")]
    [TestCase(null, "chunked", 15_000, 15_000, BodyEnd.Truncated, TestName = "chunked, buffer full")]
    [TestCase(null, "chunked", 0, 0, BodyEnd.Last, TestName = "chunked and empty")]
    [TestCase("5", "chunked", 5, 5, BodyEnd.Last, TestName = "a length beside chunks says nothing, room left")]
    [TestCase("15000", "chunked", 15_000, 15_000, BodyEnd.Truncated, TestName = "a length beside chunks says nothing, buffer full")]
    [TestCase(null, null, 15_000, 15_000, BodyEnd.Truncated, TestName = "no framing, buffer full")]
    public void Request(string? length, string? encoding, int there, long size, object? end) =>
        Assert.That(SpopBodies.OfRequest(Facts(length, encoding, there, size), 1024)?.End, Is.EqualTo(end));

    [Test]
    public void Request_WithoutTheBody_IsCutUnlessThereIsNone()
    {
        using var with = new SpopFacts { BodySize = 10, BufferSize = Buffer };
        using var without = new SpopFacts { BodySize = 0, BufferSize = Buffer };

        Assert.That(SpopBodies.OfRequest(with, 1024)?.End, Is.EqualTo(BodyEnd.Truncated));
        Assert.That(SpopBodies.OfRequest(without, 1024), Is.Null);
    }

    [TestCase("5", 5, 200, "GET", false, BodyEnd.Last)]
    [TestCase("6", 5, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase(null, 5, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase(null, 0, 200, "GET", false, BodyEnd.Truncated)]
    [TestCase(null, 5, 200, "GET", true, BodyEnd.Last)]
    [TestCase(null, 15_000, 200, "GET", true, BodyEnd.Truncated)]
    [TestCase("0", 0, 200, "GET", false, null)]
    [TestCase("5", 0, 200, "HEAD", false, null)]
    [TestCase("5", 0, 304, "GET", false, null)]
    [TestCase(null, 0, 204, "GET", false, null)]
    [TestCase(null, 0, 101, "GET", false, null)]
    public void Response(string? length, int there, int status, string method, bool waited, object? end)
    {
        using var facts = Facts(length, null, there, there);
        (facts.Status, facts.HasWaited) = (status, waited);

        Assert.That(SpopBodies.OfResponse(facts, method, 1024)?.End, Is.EqualTo(end));
    }

    private static SpopFacts Facts(string? length, string? encoding, int there, long size)
    {
        KeptBody.TryKeep(new byte[there], Memory, out var body);
        var facts = new SpopFacts { BufferSize = Buffer, Body = body, BodyLength = there, BodySize = size };
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
