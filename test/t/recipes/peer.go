// Runs the recipe of the guide for pgx, as peer.mjs does: each line of the input is a
// request, each line of the output its answer.  For version 5; recipes_go.pl makes of it
// what version 4 needs.

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

type request struct {
	Work, Token, Body, Text string
	Outside                 int
	Together                []request
}

type answer struct {
	Sqlstate *string `json:"sqlstate"`
	Status   int     `json:"status"`
	Ran      bool    `json:"ran"`
	Logged   string  `json:"logged"`
}

var (
	ctx  = context.Background()
	pool *pgxpool.Pool
)

func main() {
	config, err := pgxpool.ParseConfig(os.Getenv("DATABASE_URL"))
	must(err)
	config.MaxConns = 10
	if os.Args[1] == "pgbouncer" {
		config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeExec
	}
	pool, err = pgxpool.NewWithConfig(ctx, config)
	must(err)
	input := bufio.NewScanner(os.Stdin)
	input.Buffer(nil, 1<<20)
	output := json.NewEncoder(os.Stdout)
	for input.Scan() {
		var asked request
		must(json.Unmarshal(input.Bytes(), &asked))
		must(output.Encode(handle(asked)))
	}
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func handle(asked request) interface{} {
	if asked.Together != nil {
		answers := make([]interface{}, len(asked.Together))
		atOnce(len(answers), func(number int) { answers[number] = reply(asked.Together[number]) })
		return answers
	}
	if asked.Outside == 0 {
		return reply(asked)
	}
	all := make([]string, asked.Outside)
	atOnce(len(all), func(number int) { must(pool.QueryRow(ctx, asked.Text).Scan(&all[number])) })
	return map[string][]string{"rows": all}
}

func atOnce(count int, run func(number int)) {
	var all sync.WaitGroup
	for number := 0; number < count; number++ {
		all.Add(1)
		go func(number int) {
			defer all.Done()
			run(number)
		}(number)
	}
	all.Wait()
}

func reply(asked request) interface{} {
	var rows []string
	ran := false
	err := withToken(ctx, pool, asked.Token, func(tx pgx.Tx) (err error) {
		ran = true
		rows, err = run(tx, asked)
		return err
	})
	if err == nil {
		return map[string][]string{"rows": rows}
	}
	failure := answer{Status: 500, Ran: ran, Logged: fmt.Sprintf("%+v", err)}
	if state := sqlstateOf(err); state != "" {
		failure.Sqlstate = &state
		if state >= "28J00" && state <= "28J04" {
			failure.Status = 401
		} else if state == "42501" {
			failure.Status = 403
		}
	}
	return failure
}

func run(tx pgx.Tx, asked request) ([]string, error) {
	switch asked.Work {
	case "list":
		return listNotes(ctx, tx)
	case "sql":
		_, err := tx.Exec(ctx, asked.Text)
		return []string{}, err
	case "astray":
		return listBeside()
	case "unbound":
		if _, err := pool.Exec(ctx, "SELECT jwt_authenticate($1, true)", asked.Token); err != nil {
			return nil, err
		}
		return listBeside()
	}
	if err := addNote(ctx, tx, asked.Body); err != nil {
		return nil, err
	}
	switch asked.Work {
	case "add":
		return listNotes(ctx, tx)
	case "fail":
		return nil, errors.New("of the application")
	case "swallow":
		tx.Exec(ctx, "SELECT 1 / 0")
		return []string{}, nil
	case "savepoint":
		pgx.BeginFunc(ctx, tx, func(nested pgx.Tx) error {
			_, err := nested.Exec(ctx, "SELECT 1 / 0")
			return err
		})
		return listNotes(ctx, tx)
	}
	return nil, errors.New("no such work")
}

func listBeside() (bodies []string, err error) {
	err = pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) (err error) {
		bodies, err = listNotes(ctx, tx)
		return err
	})
	return bodies, err
}
