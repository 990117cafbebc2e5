using NUnit.Framework;
using Sidecar.Protocol.Messages;
using Sidecar.Protocol.Transport;
using Sidecar.Tests.Support;
using Sidecar.Tests.Transport;

namespace Sidecar.Tests.Sdk;

/// <summary>
/// What becomes of events that wait for a worker when nobody wants them any more, or when there is no room for more of them.
/// </summary>
internal sealed class WaitingWorkTests : WorkersFixture
{
    [Test]
    public async Task CancelledWhileItWaits_IsAnsweredAtOnce_AndNeverHandled()
    {
        await StartAsync(workers: 1);
        var peer = await ConnectAsync();
        await SendAsync(peer, 1, 2, 2, 3);
        await OutstandingAsync(4);
        await peer.CancelAsync(Id(2));
        for (var i = 0; i < 2; i++)
        {
            CancelTests.AssertFailure(await peer.ReadAnswerAsync(), Id(2), ReasonCodes.Cancelled);
        }

        await OutstandingAsync(2);
        Release();
        Assert.That(await ReadAsync(peer, 2), Is.EqualTo(new[] { 1, 3 }));
        Assert.That(Handled, Is.EqualTo(new[] { 1, 3 }));
        await SendAsync(peer, 2);
        Assert.That(await ReadAsync(peer, 1), Is.EqualTo(new[] { 2 }), "the exchange itself is not marked");
    }

    [Test]
    public async Task EventAndCancelAgainAndAgain_LeaveNothingBehindWhileAllWorkersHang()
    {
        await StartAsync(workers: 1);
        var peer = await ConnectAsync();
        await SendAsync(peer, 1);
        for (var i = 0; i < 500; i++)
        {
            await SendAsync(peer, 2);
            await peer.CancelAsync(Id(2));
            CancelTests.AssertFailure(await peer.ReadAnswerAsync(), Id(2), ReasonCodes.Cancelled);
        }

        await OutstandingAsync(1);
        Release();
        Assert.That(await ReadAsync(peer, 1), Is.EqualTo(new[] { 1 }));
        Assert.That(Handled, Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public async Task ConnectionThatEnds_TakesItsWaitingEventsWithIt()
    {
        await StartAsync(workers: 1);
        var dying = await ConnectAsync();
        await SendAsync(dying, Enumerable.Range(1, 20));
        await OutstandingAsync(20);
        var other = await ConnectAsync();
        await SendAsync(other, 100);
        await OutstandingAsync(21);

        dying.Dispose();
        await OutstandingAsync(2);
        Release();
        Assert.That(await ReadAsync(other, 1), Is.EqualTo(new[] { 100 }));
        Assert.That(Handled, Is.EqualTo(new[] { 1, 100 }));
    }

    [Test]
    public async Task MoreThanThereIsRoomFor_StaysUnread_AndNothingIsLost()
    {
        await StartAsync(workers: 1, options => options with { MaxOutstandingEvents = 10 });
        var peer = await ConnectAsync();
        await SendAsync(peer, Enumerable.Range(1, 500));
        await OutstandingAsync(11);
        await Logs.Collector.WaitForAsync(static line => line.Id.Id == 108, Wire.Limit);

        Release();
        Assert.That(await ReadAsync(peer, 500), Is.EqualTo(Enumerable.Range(1, 500)));
        await peer.PingAsync();
        await Eventually.TrueAsync(() => Time.ArmedTimers <= 1, Wire.Limit, "only what watches the workers");
    }

    [Test]
    public async Task WhatTheAgentStates_FindsRoom_WhateverTheOptionSays()
    {
        await StartAsync(workers: 1, options => options with
        {
            MaxOutstandingEvents = 10,
            Capabilities = options.Capabilities with { Features = options.Capabilities.Features with { ConcurrentRequests = 50 } },
        });
        var peer = await ConnectAsync();
        await SendAsync(peer, Enumerable.Range(1, 50));
        await peer.PingAsync();
        Assert.That(Outstanding, Is.EqualTo(50));
        await SendAsync(peer, 51, 52);
        await OutstandingAsync(51);
    }

    [Test]
    public async Task ConnectionThatFindsNoRoomForTooLong_IsGivenUp()
    {
        await StartAsync(workers: 1, options => options with { MaxOutstandingEvents = 10, PauseTimeout = TimeSpan.FromSeconds(7) });
        var peer = await ConnectAsync();
        await SendAsync(peer, Enumerable.Range(1, 30));
        await Eventually.TrueAsync(() => Time.IsArmedFor(TimeSpan.FromSeconds(7)), Wire.Limit, "the end of the pause");
        Time.Advance(TimeSpan.FromSeconds(7) - TimeSpan.FromTicks(1));
        Assert.That(Server.Connections.Single().End, Is.EqualTo(FrameConnectionEnd.None));
        Time.AdvanceTicks(1);
        await peer.AssertClosedAsync();
        var ended = await Logs.Collector.WaitForAsync(static line => line.Id.Id == 102, Wire.Limit);
        Assert.That(ended.Exception?.Message, Does.Contain("11 events are outstanding, and none was answered for 00:00:07"));
        Assert.That(Handled, Is.EqualTo(new[] { 1 }));
    }

    [Test]
    public async Task ServerThatStops_FinishesWhatWaits()
    {
        await StartAsync(workers: 1);
        var peer = await ConnectAsync();
        await SendAsync(peer, Enumerable.Range(1, 10));
        await OutstandingAsync(10);
        var stopping = Server.StopAsync();
        Assert.That((await peer.ReadAsync())!.Value.Type, Is.EqualTo(MessageType.HealthStatus));

        Release();
        Assert.That(await ReadAsync(peer, 10), Is.EqualTo(Enumerable.Range(1, 10)));
        await peer.AssertClosedAsync();
        await stopping.WaitAsync(Wire.Limit);
        Assert.That(Time.ActiveTimers, Is.Zero);
    }

    [Test]
    public async Task ServerThatStops_WhileAHandlerHangs_AnswersWhatWaitsAfterTheDrainTime()
    {
        await StartAsync(workers: 1);
        var peer = await ConnectAsync();
        await SendAsync(peer, Enumerable.Range(1, 10));
        await OutstandingAsync(10);
        var stopping = Server.StopAsync();
        Assert.That((await peer.ReadAsync())!.Value.Type, Is.EqualTo(MessageType.HealthStatus));
        var reading = AnswersAsync();
        await Eventually.TrueAsync(Time, TimeSpan.FromSeconds(1), () => stopping.IsCompleted, "the end of the drain time");
        await stopping;

        Assert.That((await reading).Order(), Is.EqualTo(Enumerable.Range(2, 9)));
        await peer.AssertClosedAsync();
        Assert.That(Handled, Is.EqualTo(new[] { 1 }));

        async Task<List<int>> AnswersAsync()
        {
            var answered = new List<int>();
            for (var i = 0; i < 9; i++)
            {
                var answer = await peer.ReadAnswerAsync();
                CancelTests.AssertFailure(answer, answer.CorrelationId, ReasonCodes.Cancelled);
                answered.Add(NumberOf(answer.CorrelationId));
            }

            return answered;
        }
    }
}
