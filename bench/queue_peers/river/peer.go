// River as a peer of the queue's bench; ../README.md says what a peer does. PG* name the database.
package main

import (
	"context"
	"encoding/binary"
	"log"
	"log/slog"
	"math"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

const bulk = 1000

type note struct {
	At int64 `json:"at"` // nanoseconds
}

func (note) Kind() string { return "note" }

type worker struct {
	river.WorkerDefaults[note]
	file *os.File
}

func (w *worker) Work(_ context.Context, job *river.Job[note]) error {
	var took [8]byte
	binary.LittleEndian.PutUint64(took[:], math.Float64bits(float64(time.Now().UnixNano()-job.Args.At)/1e6))
	_, err := w.file.Write(took[:])
	return err
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	must(err)
	return n
}

func fill(ctx context.Context, client *river.Client[pgx.Tx], count int) {
	for done := 0; done < count; done += bulk {
		jobs := make([]river.InsertManyParams, min(bulk, count-done))
		for i := range jobs {
			jobs[i].Args = note{At: time.Now().UnixNano()}
		}
		_, err := client.InsertManyFast(ctx, jobs)
		must(err)
	}
}

func publish(ctx context.Context, client *river.Client[pgx.Tx], count, perSecond int) {
	ticker := time.NewTicker(time.Second / time.Duration(perSecond))
	for i := 0; i < count; i++ {
		<-ticker.C
		_, err := client.Insert(ctx, note{At: time.Now().UnixNano()}, nil)
		must(err)
	}
}

// For rates a hundred workers in each process; for pick-up times four, as Tiro has claimers. Either fetches as often as it may.
func work(ctx context.Context, driver *riverpgxv5.Driver, path, mode string) {
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
	must(err)
	workers := river.NewWorkers()
	river.AddWorker(workers, &worker{file: file})
	count := 4
	if mode == "rate" {
		count = 100
	}
	client, err := river.NewClient(driver, &river.Config{
		FetchCooldown: river.FetchCooldownMin,
		Logger:        slog.New(slog.DiscardHandler),
		Queues:        map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: count}},
		Workers:       workers,
	})
	must(err)
	must(client.Start(ctx))
	end := make(chan os.Signal, 1)
	signal.Notify(end, syscall.SIGTERM)
	<-end
	must(client.StopAndCancel(ctx))
}

func main() {
	ctx := context.Background()
	pool, err := pgxpool.New(ctx, "")
	must(err)
	driver := riverpgxv5.New(pool)
	if os.Args[1] == "work" {
		work(ctx, driver, os.Args[2], os.Args[3])
		return
	}
	migrator, err := rivermigrate.New(driver, &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	must(err)
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	must(err)
	client, err := river.NewClient(driver, &river.Config{Logger: slog.New(slog.DiscardHandler)})
	must(err)
	switch os.Args[1] {
	case "fill":
		fill(ctx, client, number(os.Args[2]))
	case "publish":
		publish(ctx, client, number(os.Args[2]), number(os.Args[3]))
	}
}
