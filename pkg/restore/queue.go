package restore

import "container/heap"

// queue gives back the smallest of what was pushed.
type queue[T any] struct{ items heapOf[T] }

func newQueue[T any](compare func(a, b T) int) *queue[T] {
	return &queue[T]{items: heapOf[T]{compare: compare}}
}

func (q *queue[T]) push(item T) { heap.Push(&q.items, item) }

func (q *queue[T]) pop() T {
	item, _ := heap.Pop(&q.items).(T)
	return item
}

func (q *queue[T]) len() int { return q.items.Len() }

// heapOf implements heap.Interface.
type heapOf[T any] struct {
	list    []T
	compare func(a, b T) int
}

func (h *heapOf[T]) Len() int           { return len(h.list) }
func (h *heapOf[T]) Less(i, j int) bool { return h.compare(h.list[i], h.list[j]) < 0 }
func (h *heapOf[T]) Swap(i, j int)      { h.list[i], h.list[j] = h.list[j], h.list[i] }

// Push implements [heap.Interface].
func (h *heapOf[T]) Push(item any) {
	if typed, ok := item.(T); ok {
		h.list = append(h.list, typed)
	}
}

// Pop implements [heap.Interface].
func (h *heapOf[T]) Pop() any {
	last := h.list[len(h.list)-1]
	h.list = h.list[:len(h.list)-1]
	return last
}
