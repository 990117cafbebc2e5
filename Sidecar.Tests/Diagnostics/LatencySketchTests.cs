using NUnit.Framework;
using Sidecar.Daemon.Diagnostics;
using Sidecar.Tests.Support;

namespace Sidecar.Tests.Diagnostics;

public sealed class LatencySketchTests
{
    private readonly FakeTimeProvider _clock = new();

    [Test]
    public void Nothing_IsZero() => Assert.That(new LatencySketch(_clock).Read(), Is.EqualTo(new LatencyReading(0, 0, 0, 0)));

    [Test]
    public void Percentiles_AreWithinAnEighthOfTheTruth()
    {
        var sketch = new LatencySketch(_clock);
        for (var i = 1; i <= 1000; i++)
        {
            sketch.Record(TimeSpan.FromMicroseconds(i * 50), _clock.GetTimestamp());
        }

        var reading = sketch.Read();
        Assert.That(reading.Count, Is.EqualTo(1000));
        Assert.That(reading.P50, Is.InRange(25, 25 * 1.13));
        Assert.That(reading.P90, Is.InRange(45, 45 * 1.13));
        Assert.That(reading.P99, Is.InRange(49.5, 49.5 * 1.13));
    }

    [TestCase(-5, 0.001)]
    [TestCase(0, 0.001)]
    [TestCase(1e15, 134217.728)]
    public void Extremes_FallIntoTheOuterBuckets(double microseconds, double expected)
    {
        var sketch = new LatencySketch(_clock);
        sketch.Record(TimeSpan.FromMicroseconds(microseconds), _clock.GetTimestamp());
        Assert.That(sketch.Read().P50, Is.EqualTo(expected).Within(0.001));
    }

    [Test]
    public void WhatIsOlderThanTwoMinutes_IsForgotten()
    {
        var sketch = new LatencySketch(_clock);
        sketch.Record(TimeSpan.FromMilliseconds(100), _clock.GetTimestamp());
        _clock.Advance(TimeSpan.FromMinutes(1));
        sketch.Record(TimeSpan.FromMilliseconds(1), _clock.GetTimestamp());
        Assert.That(sketch.Read().Count, Is.EqualTo(2));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That((sketch.Read().Count, sketch.Read().P99), Is.EqualTo((1, 1.024)));
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.That(sketch.Read().Count, Is.Zero);
    }

    [Test]
    public void Several_AreReadAsOne()
    {
        var (a, b) = (new LatencySketch(_clock), new LatencySketch(_clock));
        a.Record(TimeSpan.FromMilliseconds(1), _clock.GetTimestamp());
        b.Record(TimeSpan.FromMilliseconds(100), _clock.GetTimestamp());
        var reading = LatencySketch.Read([a, b]);
        Assert.That((reading.Count, reading.P50), Is.EqualTo((2, 1.024)));
        Assert.That(reading.P99, Is.InRange(100, 113));
    }
}
