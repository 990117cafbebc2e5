using System.Collections.Concurrent;
using System.Text;
using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Attacks;

/// <summary>
/// Hostile requests told to the daemon by a script and by a proxy that speaks the agent protocol: what it lets pass was shown to the agent, equal,
/// and is accounted.
/// </summary>
[TestFixture(AskedListener.Http)]
[TestFixture(AskedListener.Frames)]
[TestFixture(AskedListener.Native)]
[Category("EndToEnd")]
[Category("Attack")]
internal sealed class AttackQuestionTests(AskedListener listener)
{
    private const int Connections = 32;

    [Test]
    public async Task NoRequest_IsAllowedUnseen([Values] bool bodyIsLate)
    {
        await using var daemon = await AttackDaemon.StartAsync(files => listener switch
        {
            AskedListener.Http => $"http={files.Socket("asked")},proxy=json",
            AskedListener.Frames => $"frames={files.Socket("asked")}",
            _ => $"native={files.Socket("asked")}",
        });
        await using var questions = await AttackQuestions.StartAsync(listener, daemon.Files.Socket("asked"), bodyIsLate);
        WireMessage[] requests = [.. AttackRequest.All.Where(request => !bodyIsLate || request.HasBody).Select(Told)];

        var allowed = new ConcurrentBag<(WireMessage Asked, WireMessage GoesOn)>();
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = Connections }, async (request, _) =>
        {
            if (await questions.AskAsync(request) is { } removed)
            {
                allowed.Add(
                    (request, request with { Headers = [.. request.Headers.Where(field => !removed.Contains(field.Name, StringComparer.OrdinalIgnoreCase))] }));
            }
        });

        var ledger = await daemon.LedgerAsync();
        var shown = daemon.Shown().ToLookup(static message => message.Fid, StringComparer.Ordinal);
        await TestContext.Out.WriteLineAsync(
            $"{listener}: {requests.Length} asked, {allowed.Count} allowed, {string.Join(", ", ledger.Select(static one => $"{one.Value} {one.Key}"))}");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(
                allowed.Select(pair => (pair.Asked.Fid, Difference: AttackComparison.Difference(
                    pair.Asked, shown[pair.Asked.Fid].SingleOrDefault(), pair.GoesOn, withBody: true)))
                    .Where(static one => one.Difference is not null),
                Is.Empty,
                "what goes on and the agent was not shown");
            Assert.That(ledger["received"], Is.EqualTo(requests.Length));
            Assert.That(
                (ledger["inspected"], ledger["refused"]),
                Is.EqualTo(((long)allowed.Count, (long)(requests.Length - allowed.Count))),
                "what is not allowed was refused");
        }
    }

    // As a proxy would tell it that takes everything: the framing as it was read, not as it was sent.
    private static WireMessage Told(AttackRequest request)
    {
        var head = WireMessage.ParseHead(Encoding.Latin1.GetString(request.Raw));
        var id = head.Fid == request.Id ? head.Headers : [("x-fid", request.Id), .. head.Headers];
        return head with { Headers = id, Body = request.Raw[request.HeadLength..] };
    }
}
