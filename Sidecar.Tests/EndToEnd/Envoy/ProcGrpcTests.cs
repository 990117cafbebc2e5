using NUnit.Framework;

namespace Sidecar.Tests.EndToEnd.Envoy;

/// <summary>Clients of gRPC that are not ours, over HTTP/2 through a real Envoy with ext_proc, in each way of sending bodies.</summary>
[TestFixture("NONE")]
[TestFixture(ProcStack.Override)]
[TestFixture("BUFFERED")]
[TestFixture("BUFFERED_PARTIAL")]
[TestFixture("STREAMED")]
[TestFixture("FULL_DUPLEX_STREAMED")]
[Category("EndToEnd")]
internal sealed class ProcGrpcTests(string mode)
{
    private static readonly (string, string) Unseen = ("RESOURCE_EXHAUSTED '413 Content Too Large'", "refused truncated");

    private const string NotSent = "UNAVAILABLE '503 Service Unavailable'";

    private ProcStack _stack = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _stack = await ProcStack.StartAsync(mode, listenKeys: ",buffer-limit=1MiB");

    [OneTimeTearDown]
    public async Task StopAsync() => await (_stack?.DisposeAsync() ?? ValueTask.CompletedTask);

    [SetUp]
    public Task CloseAccountAsync() => _stack.AccountAsync();

    [TestCase("unary", "hello", 1)]
    [TestCase("unary", "500000", 1)]
    [TestCase("stream", "hello", 10)]
    public async Task Call_IsSeenAndPasses(string pattern, string message, int echoes)
    {
        var told = await _stack.Envoy.CallAsync(pattern, message);

        // Bodies that nobody can judge do not pass; piece by piece, what an agent holds to the end cannot go on behind trailers.
        Assert.That((mode == "STREAMED" ? Refused(told) : told, await _stack.AccountAsync()), Is.EqualTo(mode switch
        {
            "NONE" => Unseen,
            "STREAMED" => (NotSent, "refused unapplied"),
            _ => ($"OK {echoes}", "inspected"),
        }));
    }

    [TestCase("request-headers")]
    [TestCase("request-body")]
    [TestCase("response-headers")]
    [TestCase("response-body")]
    public async Task Refusal_IsAStatusAndOneLine(string phase)
    {
        var told = await _stack.Envoy.CallAsync("unary", "hello", $"{phase} block");

        Assert.That((told, await _stack.AccountAsync()), Is.EqualTo(mode == "NONE" && phase != "request-headers" ? Unseen : ("PERMISSION_DENIED 'no'", "inspected")));
    }

    // Whether the headers of a response have left Envoy before the refusal of its body comes is chance; if so it can only reset the call.
    private static string Refused(string told) => told == "INTERNAL 'Received RST_STREAM with code 2 (Internal server error)'" ? NotSent : told;
}
